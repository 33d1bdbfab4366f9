#pragma once

namespace chouette {

/// Lets all threads take memory from one heap, not from one each that keeps what it once had. To be
/// called before there are threads. Does nothing with another C library than glibc.
void use_one_heap();

/// Gives freed memory back to the system, from any thread, within about a millisecond for a heap of
/// some megabytes. Does nothing with another C library than glibc.
void give_back_memory();

}  // namespace chouette

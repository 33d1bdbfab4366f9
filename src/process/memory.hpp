#pragma once

namespace chouette {

/// Lets all threads take memory from one heap, not from one each that keeps what it once had. To be
/// called before there are threads. Does nothing with another C library than glibc.
void use_one_heap();

/// Gives freed memory back to the system, from any thread, within about a millisecond for a heap of
/// some megabytes. Does nothing with another C library than glibc.
void give_back_memory();

/// Unmaps the machine code of the program and its libraries, all of which stays in the page cache:
/// what is needed again is mapped again, mostly 64 KiB at a time, and what only the start needed is
/// not resident any more. Leaves out libraries whose code is relocated. A debugger's breakpoints
/// are lost. From any thread.
void give_back_code();

}  // namespace chouette

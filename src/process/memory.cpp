#include "process/memory.hpp"

#include <cstdlib>  // defines __GLIBC__, if it is that

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace chouette {

void use_one_heap() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
#endif
}

void give_back_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace chouette

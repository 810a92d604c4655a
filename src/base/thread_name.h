// Names for threads, as `ps -L`, `top -H` and debuggers show them. Any thread, about itself.
#pragma once

#include <pthread.h>

namespace sekisho::base {

/// At most 15 characters.
inline void name_this_thread(const char* name) { (void)::pthread_setname_np(::pthread_self(), name); }

}  // namespace sekisho::base

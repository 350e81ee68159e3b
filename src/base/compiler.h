// Refuses, in one sentence, the compilers that miscompile coroutines. Included by every header that has one.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#error \
    "linegate needs clang >= 14 or g++ >= 13, because g++ before 13 silently miscompiles coroutines (GCC PR 106188)."
#endif

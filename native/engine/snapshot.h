// Makes the part of the heap that the executable starts with.
#pragma once

/**
 * Evaluates all modules of the file `modules` (modules.h), lets the command line prepare itself, and writes the heap to
 * the file `output`. Ends the process: with 0, or with 1 and the reason.
 */
[[noreturn]] void make_snapshot(const char* output, const char* modules);

// The command line's modules as bytecode: one table, written by compile.cc and linked into the executable.
#pragma once
#include <cstdint>

/** At the beginning of the blob: this number says how many entries follow. */
struct ModuleEntry {
  char name[56];
  /** From the beginning of the blob, a multiple of 8. */
  uint32_t offset;
  uint32_t length;
};

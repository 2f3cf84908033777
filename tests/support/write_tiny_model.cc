// Writes the tiny model to the file that the argument names, for tests that start the program.

#include <cstdio>

#include "tests/support/tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "write_tiny_model FILE\n");
    return 2;
  }
  const absl::Status written = oriel::MakeTinyModel({}).WriteTo(argv[1]);
  if (!written.ok()) std::fprintf(stderr, "%s\n", written.ToString().c_str());
  return written.ok() ? 0 : 1;
}

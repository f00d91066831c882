// Which of the instruction sets that the core may be compiled for this processor has. Compiled for the least of them.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

namespace {

std::vector<std::string> levels() {
  std::vector<std::string> found = {"x86-64"};
#if defined(__GNUC__) && defined(__x86_64__)
  __builtin_cpu_init();
  const bool third = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                     __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  if (third) found.push_back("x86-64-v3");
  if (third && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back("x86-64-v4");
#endif
  return found;
}

}  // namespace

PYBIND11_MODULE(_processor, m) { m.def("levels", &levels, "Levels of the x86-64 psABI, the least first."); }

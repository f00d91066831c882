// The few macros that the test programs need. A failure prints where and what, and the program goes
// on.
#pragma once

#include <cmath>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

namespace check {

inline int failures = 0;
inline long checks = 0;
inline std::string context;  // what is being tested, printed with a failure

inline void fail(const char* file, int line, const std::string& what) {
  // A broken kernel fails everywhere: once a context is enough, and forty in all.
  static std::string last = "none";
  static int printed = 0;
  ++failures;
  if ((!context.empty() && context == last) || ++printed > 40) return;
  last = context;
  std::cerr << file << ":" << line << ": " << what
            << (context.empty() ? "" : "  [" + context + "]") << "\n";
}

template <class A, class B>
std::string values(const char* left, const A& a, const char* relation, const char* right,
                   const B& b) {
  std::ostringstream out;
  out.precision(17);
  out << left << " " << relation << " " << right << " does not hold: " << a << " against " << b;
  return out.str();
}

// For the end of main.
inline int result() {
  std::cout << checks << " checks, " << failures << " failures\n";
  return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition)                                                           \
  do {                                                                             \
    ++check::checks;                                                               \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition " does not hold"); \
  } while (false)

#define CHECK_RELATION(a, relation, b)                                                  \
  do {                                                                                  \
    ++check::checks;                                                                    \
    const auto& check_a = (a);                                                          \
    const auto& check_b = (b);                                                          \
    if (!(check_a relation check_b))                                                    \
      check::fail(__FILE__, __LINE__, check::values(#a, check_a, #relation, #b, check_b)); \
  } while (false)

#define CHECK_EQUAL(a, b) CHECK_RELATION(a, ==, b)
#define CHECK_AT_MOST(a, b) CHECK_RELATION(a, <=, b)
#define CHECK_LESS(a, b) CHECK_RELATION(a, <, b)

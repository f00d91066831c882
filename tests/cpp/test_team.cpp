// A team's work is that of its members one after the other; exceptions go on; a forked process does without the threads.
#include "axonomy/core/team.hpp"

#include <chrono>

#include "check.hpp"

#ifndef _WIN32
#include <sys/wait.h>
#endif

using axonomy::Team;

namespace {

struct Failure {
  int member;
};

// Every member's part of many short pieces of work, some of them thrown out.
bool works(Team& team) {
  std::vector<long> sums(static_cast<std::size_t>(team.size()), 0);
  long expected = 0;
  int thrown = -1, times = 0;
  for (int i = 0; i < 2000; ++i) {
    expected += i;
    try {
      team.run([&](int member) {
        sums[static_cast<std::size_t>(member)] += i;
        if (i % 97 == 0 && member > 0) throw Failure{member};
      });
    } catch (const Failure& failure) {
      thrown = failure.member;
      ++times;
    }
  }
  bool same = team.size() == 1 ? times == 0 : thrown == 1 && times == 21;
  for (const long sum : sums) same = same && sum == expected;
  return same;
}

#ifndef _WIN32
// Whether it ends with no error in a child, within ten seconds.
template <class Work>
bool fine_in_a_child(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(work() ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}
#endif

}  // namespace

int main() {
  for (const int size : {1, 2, 3, 7}) {
    check::context = "of " + std::to_string(size);
    auto team = std::make_unique<Team>(size);
    CHECK_EQUAL(team->size(), size);
    CHECK(works(*team));
#ifndef _WIN32
    const auto asleep = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
    CHECK(fine_in_a_child([&] { return works(*team); }));
    asleep();
    CHECK(fine_in_a_child([&] { return works(*team); }));
    CHECK(fine_in_a_child([&] {
      team.reset();
      Team own(3);
      return works(own);
    }));
    CHECK(works(*team));
#endif
  }
  return check::result();
}

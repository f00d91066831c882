// Which thread runs a network: one run at a time, and while there is one the network is for its thread alone to change.
#pragma once

#include <atomic>
#include <thread>

namespace axonomy {

class RunOwner {
 public:
  // False if there is a run already, be it of this thread: a callback begins none.
  bool begin_run() {
    std::thread::id nobody;
    return thread_.compare_exchange_strong(nobody, std::this_thread::get_id());
  }
  void end_run() { thread_ = std::thread::id(); }

  bool may_change() const {
    const std::thread::id thread = thread_;
    return thread == std::thread::id() || thread == std::this_thread::get_id();
  }

 private:
  std::atomic<std::thread::id> thread_{std::thread::id()};
};

}  // namespace axonomy

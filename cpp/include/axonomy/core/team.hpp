// A few threads that do the parts of one short piece of work side by side, again and again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace axonomy {

class Team {
 public:
  // `size` members, the caller being one of them.
  explicit Team(int size) : crew_(std::make_unique<Crew>(size)) {}
  ~Team() {
    // Of threads that are not in this process, and of what they wait for, nothing can be joined or destroyed; even to
    // detach one may hit another that has its place in memory by now.
    if (crew_->is_elsewhere()) static_cast<void>(crew_.release());
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return crew_->size(); }

  // Calls work(member) for every member and returns when all are done; the first exception goes on.
  void run(const std::function<void(int)>& work) { crew_->run(work); }

 private:
  class Crew {
   public:
    explicit Crew(int size) : errors_(static_cast<std::size_t>(size)) {
      try {
        for (int member = 1; member < size; ++member) threads_.emplace_back([this, member] { serve(member); });
      } catch (const std::exception& error) {
        dismiss();
        throw std::runtime_error("threads: asked for " + std::to_string(size) + ", and only " +
                                 std::to_string(threads_.size() + 1) + " could be had: " + error.what());
      }
    }
    ~Crew() { dismiss(); }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int size() const { return static_cast<int>(errors_.size()); }

    // Whether the threads were left behind in the process from which this one was forked.
    bool is_elsewhere() const { return !threads_.empty() && process_ != this_process(); }

    void run(const std::function<void(int)>& work) {
      if (threads_.empty()) return work(0);
      work_ = &work;
      if (is_elsewhere()) {
        for (int member = 0; member < size(); ++member) do_part(member);
      } else {
        left_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
        start();
        do_part(0);
        for (int spins = 0; left_.load(std::memory_order_acquire) > 0; ++spins)
          if (spins > patience) std::this_thread::yield();
      }
      for (auto& error : errors_)
        if (error) {
          const std::exception_ptr first = error;
          for (auto& any : errors_) any = nullptr;
          std::rethrow_exception(first);
        }
    }

   private:
    // A wait is usually shorter than it takes to fall asleep and be woken; and a member that is woken may be put where the
    // caller works, to begin when that has done its own part. Up to a millisecond, of which others may have most.
    static constexpr int patience = 4000, yields = 1000;

    static long this_process() {
#ifdef _WIN32
      return 0;  // nothing forks there
#else
      return getpid();
#endif
    }

    void dismiss() {
      work_ = nullptr;
      start();
      for (auto& thread : threads_) thread.join();
    }
    void start() {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        round_.fetch_add(1, std::memory_order_release);
      }
      wake_.notify_all();
    }
    void do_part(int member) {
      try {
        (*work_)(member);
      } catch (...) {
        errors_[static_cast<std::size_t>(member)] = std::current_exception();
      }
    }
    void serve(int member) {
      for (unsigned seen = 0;;) {
        for (int spins = 0; round_.load(std::memory_order_acquire) == seen && spins < patience + yields; ++spins)
          if (spins > patience) std::this_thread::yield();
        if (round_.load(std::memory_order_acquire) == seen) {
          std::unique_lock<std::mutex> lock(mutex_);
          wake_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != seen; });
        }
        seen = round_.load(std::memory_order_acquire);
        if (work_ == nullptr) return;
        do_part(member);
        left_.fetch_sub(1, std::memory_order_release);
      }
    }

    const long process_ = this_process();
    std::vector<std::exception_ptr> errors_;
    std::atomic<unsigned> round_{0};
    std::atomic<int> left_{0};
    const std::function<void(int)>* work_ = nullptr;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::thread> threads_;
  };

  std::unique_ptr<Crew> crew_;
};

}  // namespace axonomy

// The rows of a model as Python moves them: in the caller's thread, or in one of their own. The law is in machine.h and sampler.h.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "builder.h"
#include "law.h"
#include "outcome.h"
#include "text.h"

namespace elman {

// One thread at a time moves the rows; a second one gets an exception. Rows move without the interpreter's lock.
class NativeRows {
 public:
  NativeRows(const Builder& builder, int rows, const std::string& instructions);
  ~NativeRows();

  // `remembered` are the last characters of the text, as many as the window holds, as bytes or as uint32.
  void load(int row, Array<int8_t> state, uint64_t position, AnyArray remembered, uint64_t seed, int64_t inverse_temperature, int64_t top_k, int64_t top_p,
            int64_t min_p, uint32_t alternative, int32_t first_rank, bool is_accounted);

  // Each advance is a tuple: execution/protocol.py, Advance.
  Outcome run(nanobind::sequence asked);

  // The same in a thread of C++: `start`, a byte in the pipe at the end, `finish`, which also gives the thread's seconds.
  void start(nanobind::sequence asked, int pipe);
  nanobind::tuple finish();

 private:
  // What a run works on: everything that C++ needs once Python has let go.
  struct Work {
    std::vector<Advance> advances;
    std::vector<Array<int32_t>> given;  // the forced characters, kept alive
    Outcome outcome;
  };
  // A run in the rows' own thread.
  struct Beside {
    Beside(Work&& given, int told) : work(std::move(given)), pipe(told) {}
    Work work;
    int pipe;
    std::exception_ptr failure;
    double seconds = 0;
  };
  // Whose turn it is to touch `beside_`; nobody's: the thread ends.
  enum class Turn { kCallers, kThreads, kNobodys };

  Work prepare(nanobind::sequence asked);
  Array<int32_t> characters(nanobind::object array) const;
  void point(Advance& advance, Outcome& outcome, size_t index, const std::vector<Array<int32_t>>& given) const;
  Outcome settle(Work& work);
  void remember(int row, const AnyArray& characters);
  std::shared_ptr<Text> text_with_room(int row, size_t characters);
  void live();
  void hand_over(Turn turn);
  void await_turn();

  // The array that most advances hold.
  nanobind::object nothing_ = nanobind::module_::import_("elman_models.execution.protocol").attr("NOTHING");
  size_t state_size_;
  size_t window_;  // characters that recall sees; 0: none
  int outputs_;  // also the index of UNK, the largest of a character
  std::unique_ptr<Machine> machine_;
  std::vector<uint64_t> positions_;
  std::vector<std::shared_ptr<Text>> texts_;  // of the rows that were loaded; none without recall
  std::vector<uint8_t> is_accounted_;
  std::atomic_flag is_moving_ = ATOMIC_FLAG_INIT;
  std::unique_ptr<Beside> beside_;  // the run that was started and is not finished
  std::mutex mutex_;
  std::condition_variable turned_;
  Turn turn_ = Turn::kCallers;
  std::thread thread_;
};

}  // namespace elman

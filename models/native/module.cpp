// elman_models._native: the rows of a model behind one Python class. The law is in machine.h and sampler.h; here is only the way in.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "law.h"

namespace nb = nanobind;

namespace elman {
namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <typename T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

bool has(const std::string& instructions) {
  if (instructions == "portable") return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (instructions == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (instructions == "avx512vbmi") return has("avx512vnni") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bitalg");
  if (instructions == "avx512vnni")
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#endif
  return false;
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
  for (const char* name : {"avx512vbmi", "avx512vnni", "avx2", "portable"})
    if (has(name)) sets.push_back(name);
  return sets;
}

std::unique_ptr<Machine> make(const std::string& instructions, const Model& model, int rows) {
  if (!has(instructions)) throw std::invalid_argument("instructions: this machine lacks " + instructions);
#if defined(__x86_64__)
  if (instructions == "avx512vbmi") return make_avx512vbmi(model, rows);
  if (instructions == "avx512vnni") return make_avx512vnni(model, rows);
  if (instructions == "avx2") return make_avx2(model, rows);
#endif
  return make_portable(model, rows);
}

// Gathers a model, matrix by matrix; everything is copied when the rows are made, and held until then.
class Builder {
 public:
  void layer(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    hold(weight, scale, bias);
    model_.layers.push_back(affine(weight, scale, bias, std::move(inputs), true));
  }
  void output(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    hold(weight, scale, bias);
    model_.output = affine(weight, scale, bias, std::move(inputs), false);
  }
  void tables(Array<int8_t> tanh, Array<int32_t> exp, Array<int64_t> log) {
    hold(tanh, exp, log);
    model_.tables = {tanh.data(), exp.data(), int(exp.size()), log.data(), int(log.size())};
  }
  const Model& model() const { return model_; }

 private:
  static Affine affine(Array<int8_t>& weight, Array<float>& scale, Array<float>& bias, std::vector<int> inputs, bool reads_itself) {
    const int bias_rows = bias.ndim() == 2 ? int(bias.shape(0)) : 1;
    return {int(weight.shape(0)), int(weight.shape(1)), weight.data(), scale.data(), bias.data(), bias_rows, std::move(inputs), reads_itself};
  }
  template <typename... Arrays>
  void hold(const Arrays&... arrays) {
    (held_.push_back(std::make_shared<Arrays>(arrays)), ...);  // each may be a copy that nobody else holds: of other strides or another type
  }

  Model model_;
  std::vector<std::shared_ptr<void>> held_;
};

// What one run did: the parts of each row follow one another in the order of the advances.
class Outcome {
 public:
  struct Part {
    size_t drawn, accounted, states;  // where the row's own begin
    int sampled, counted;             // characters drawn; characters accounted
    uint64_t position;                // after the forced characters
  };

  Outcome(std::vector<Part> parts, size_t drawn, size_t accounted, size_t states, int state_size)
      : characters(new int32_t[drawn]),
        surprises(new int64_t[accounted]),
        log_probabilities(new double[accounted]),
        states(new int8_t[states * state_size]),
        parts_(std::move(parts)),
        state_size_(state_size) {}

  size_t size() const { return parts_.size(); }
  const Part& part(size_t index) const { return parts_.at(index); }

  std::unique_ptr<int32_t[]> characters;
  std::unique_ptr<int64_t[]> surprises;
  std::unique_ptr<double[]> log_probabilities;
  std::unique_ptr<int8_t[]> states;

  nb::list get_characters(size_t index) const {
    const Part& part = parts_.at(index);
    nb::list list;
    for (int i = 0; i < part.sampled; ++i) list.append(characters[part.drawn + i]);
    return list;
  }
  static nb::tuple get_account(nb::pointer_and_handle<Outcome> self, size_t index) {
    const Part& part = self.p->part(index);
    return nb::make_tuple(view(self.p->surprises.get() + part.accounted, part.counted, self.h),
                          view(self.p->log_probabilities.get() + part.accounted, part.counted, self.h));
  }
  nb::tuple get_state(size_t index, int sampled) const {
    const Part& part = parts_.at(index);
    if (sampled < 0 || sampled > part.sampled) throw nb::index_error("sampled: more than the row sampled");
    auto* copy = new int8_t[state_size_];
    std::copy_n(states.get() + (part.states + sampled) * state_size_, state_size_, copy);
    nb::capsule owner(copy, [](void* pointer) noexcept { delete[] static_cast<int8_t*>(pointer); });
    return nb::make_tuple(view(copy, state_size_, owner), part.position + sampled);
  }
  static nb::tuple get_passage(nb::pointer_and_handle<Outcome> self, size_t index) {
    const Part& part = self.p->part(index);
    int8_t* first = self.p->states.get() + part.states * self.p->state_size_;
    const nb::ndarray<nb::numpy, int8_t, nb::ndim<2>> states(first, {size_t(part.sampled) + 1, self.p->state_size_}, self.h);
    return nb::make_tuple(states, part.position);
  }

 private:
  template <typename T>
  static nb::object view(T* data, size_t count, nb::handle owner) {
    return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {count}, owner));
  }

  std::vector<Part> parts_;
  size_t state_size_;
};

class NativeRows {
 public:
  NativeRows(const Builder& builder, int rows, const std::string& instructions)
      : state_size_(builder.model().state_size()), unknown_(builder.model().output.size), machine_(make(instructions, builder.model(), rows)), positions_(rows), is_accounted_(rows) {}

  void load(int row, Array<int8_t> state, uint64_t position, uint64_t seed, int64_t inverse_temperature, int64_t top_k, int64_t top_p,
            int64_t min_p, uint32_t alternative, int32_t first_rank, bool is_accounted) {
    const Alone alone(is_moving_);
    if (state.size() != state_size_) throw nb::value_error("state: of another size than the model's");
    positions_.at(row) = position;
    is_accounted_.at(row) = is_accounted;
    machine_->load(row, state.data(), Start{position, seed, inverse_temperature, top_k, top_p, min_p, alternative, first_rank});
  }

  // Each advance is a tuple: execution/protocol.py, Advance. The rows move without the interpreter's lock.
  Outcome run(nb::sequence asked) {
    const Alone alone(is_moving_);
    Work work = prepare(asked);
    {
      nb::gil_scoped_release release;
      machine_->run(work.advances);
    }
    return settle(work);
  }

  // The same in a thread of C++: `start`, a byte in the pipe at the end, `finish`.
  void start(nb::sequence asked, int pipe) {
    if (is_moving_.test_and_set()) throw std::runtime_error(kInUse);
    try {
      beside_ = std::make_unique<Beside>(prepare(asked), pipe);
      if (!thread_.joinable()) thread_ = std::thread(&NativeRows::work, this);
    } catch (...) {
      beside_.reset();
      is_moving_.clear();
      throw;
    }
    hand_over(Turn::kThreads);
  }

  nb::tuple finish() {
    if (!beside_) throw std::runtime_error("finish: nothing was started");
    {
      nb::gil_scoped_release release;
      std::unique_lock<std::mutex> lock(mutex_);
      turned_.wait(lock, [this] { return turn_ == Turn::kCallers; });
    }
    const std::unique_ptr<Beside> beside = std::move(beside_);
    is_moving_.clear();
    if (beside->failure) std::rethrow_exception(beside->failure);
    return nb::make_tuple(settle(beside->work), beside->seconds);
  }

  ~NativeRows() {
    if (!thread_.joinable()) return;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      turned_.wait(lock, [this] { return turn_ == Turn::kCallers; });
    }
    hand_over(Turn::kNobodys);
    thread_.join();
  }

 private:
  static constexpr const char* kInUse = "the rows are in use by another thread";

  // What a run works on: everything that C++ needs once Python has let go.
  struct Work {
    std::vector<Advance> advances;
    std::vector<Array<int32_t>> given;  // the forced characters, kept alive
    Outcome outcome;
  };
  struct Beside {
    Beside(Work&& given, int told) : work(std::move(given)), pipe(told) {}
    Work work;
    int pipe;
    std::exception_ptr failure;
    double seconds = 0;
  };

  Work prepare(nb::sequence asked) {
    std::vector<Advance> advances;
    std::vector<Array<int32_t>> given;
    std::vector<Outcome::Part> parts;
    std::vector<uint8_t> is_named(positions_.size());
    size_t drawn = 0, accounted = 0, states = 0;
    for (nb::handle one : asked) {
      const int row = nb::cast<int>(one[0]), sampled = nb::cast<int>(one[3]);
      if (sampled < 0) throw nb::value_error("sampled: below 0");
      if (is_named.at(row)++) throw nb::value_error("row: named twice");
      given.push_back(characters(one[1]));
      given.push_back(characters(one[2]));
      const int skipped = int(given[given.size() - 2].size()), scored = int(given.back().size());
      const int counted = scored > 0 || is_accounted_.at(row) ? scored + sampled : 0;
      parts.push_back({drawn, accounted, states, sampled, counted, positions_.at(row) + skipped + scored});
      advances.push_back({row, skipped, scored, sampled});
      drawn += sampled;
      accounted += counted;
      states += sampled + 1;
    }
    Outcome outcome(std::move(parts), drawn, accounted, states, state_size_);
    for (size_t i = 0; i < advances.size(); ++i) point(advances[i], outcome, i, given);
    return {std::move(advances), std::move(given), std::move(outcome)};
  }

  // Whose turn it is to touch `beside_`; nobody's: the thread ends.
  enum class Turn { kCallers, kThreads, kNobodys };

  void hand_over(Turn turn) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      turn_ = turn;
    }
    turned_.notify_all();  // whoever wakes finds the lock free
  }

  // The thread's life: sleep, run, tell.
  void work() {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "engine");
    const sched_param priority{};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority);  // woken, it does not push aside the thread that woke it
#endif
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        turned_.wait(lock, [this] { return turn_ != Turn::kCallers; });
        if (turn_ == Turn::kNobodys) return;
      }
      const int pipe = beside_->pipe;
      const double started = thread_seconds();
      try {
        machine_->run(beside_->work.advances);
      } catch (...) {
        beside_->failure = std::current_exception();
      }
      beside_->seconds = thread_seconds() - started;
      while (write(pipe, ".", 1) < 0 && errno == EINTR) {
      }
      hand_over(Turn::kCallers);  // last: once the caller has its turn, it may close the pipe
    }
  }

  Outcome settle(Work& work) {
    for (const Advance& advance : work.advances) positions_[advance.row] += advance.steps();
    return std::move(work.outcome);
  }

  static double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
  }

  // One thread at a time moves the rows, or the second is told so.
  class Alone {
   public:
    explicit Alone(std::atomic_flag& flag) : flag_(flag) {
      if (flag_.test_and_set()) throw std::runtime_error(kInUse);
    }
    ~Alone() { flag_.clear(); }

   private:
    std::atomic_flag& flag_;
  };

  Array<int32_t> characters(nb::object array) const {
    if (array.is(nothing_)) return {};
    auto found = nb::cast<Array<int32_t>>(array);
    for (size_t i = 0; i < found.size(); ++i)
      if (found.data()[i] < 0 || found.data()[i] > unknown_) throw nb::index_error("a character beyond the vocabulary");
    return found;
  }

  void point(Advance& advance, Outcome& outcome, size_t index, const std::vector<Array<int32_t>>& given) const {
    const Outcome::Part& part = outcome.part(index);
    advance.to_skip = given[2 * index].data();
    advance.to_score = given[2 * index + 1].data();
    advance.characters = outcome.characters.get() + part.drawn;
    advance.surprises = part.counted ? outcome.surprises.get() + part.accounted : nullptr;
    advance.log_probabilities = part.counted ? outcome.log_probabilities.get() + part.accounted : nullptr;
    advance.states = outcome.states.get() + part.states * state_size_;
  }

  nb::object nothing_ = nb::module_::import_("elman_models.execution.protocol").attr("NOTHING");  // the array that most advances hold
  size_t state_size_;
  int unknown_;  // the index of UNK, the largest
  std::unique_ptr<Machine> machine_;
  std::vector<uint64_t> positions_;
  std::vector<uint8_t> is_accounted_;
  std::atomic_flag is_moving_ = ATOMIC_FLAG_INIT;
  std::unique_ptr<Beside> beside_;  // the run that was started and is not finished
  std::mutex mutex_;
  std::condition_variable turned_;
  Turn turn_ = Turn::kCallers;
  std::thread thread_;
};

}  // namespace
}  // namespace elman

NB_MODULE(_native, m) {
  using namespace elman;
  m.def("instruction_sets", &instruction_sets, "The instruction sets that this machine has, the fastest first.");
  nb::class_<Builder>(m, "Builder").def(nb::init<>()).def("layer", &Builder::layer).def("output", &Builder::output).def("tables", &Builder::tables);
  nb::class_<Outcome>(m, "Outcome")
      .def("characters", &Outcome::get_characters)
      .def("account", &Outcome::get_account)
      .def("state", &Outcome::get_state)
      .def("passage", &Outcome::get_passage);
  nb::class_<NativeRows>(m, "Rows")
      .def(nb::init<const Builder&, int, const std::string&>())
      .def("load", &NativeRows::load)
      .def("run", &NativeRows::run)
      .def("start", &NativeRows::start)
      .def("finish", &NativeRows::finish);
}

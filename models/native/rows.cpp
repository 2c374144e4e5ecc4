#include "rows.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "instructions.h"

namespace nb = nanobind;

namespace elman {
namespace {

constexpr const char* kInUse = "the rows are in use by another thread";

// Holds the rows for one thread.
class Alone {
 public:
  explicit Alone(std::atomic_flag& flag) : flag_(flag) {
    if (flag_.test_and_set()) throw std::runtime_error(kInUse);
  }
  ~Alone() { flag_.clear(); }

 private:
  std::atomic_flag& flag_;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

// Packs the weights, which takes milliseconds, without the interpreter's lock.
std::unique_ptr<Machine> packed(const std::string& instructions, const Model& model, int rows) {
  nb::gil_scoped_release release;
  return make_machine(instructions, model, rows);
}

void tell(int pipe) {
  while (write(pipe, ".", 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

NativeRows::NativeRows(const Builder& builder, int rows, const std::string& instructions)
    : state_size_(builder.model().state_size()),
      window_(builder.model().recall.window),
      outputs_(builder.model().output.size),
      machine_(packed(instructions, builder.model(), rows)),
      positions_(rows),
      texts_(rows),
      is_accounted_(rows) {}

NativeRows::~NativeRows() {
  if (!thread_.joinable()) return;
  await_turn();
  hand_over(Turn::kNobodys);
  thread_.join();
}

void NativeRows::load(int row, Array<int8_t> state, uint64_t position, AnyArray remembered, uint64_t seed, int64_t inverse_temperature, int64_t top_k,
                      int64_t top_p, int64_t min_p, uint32_t alternative, int32_t first_rank, bool is_accounted) {
  const Alone alone(is_moving_);
  if (state.size() != state_size_) throw nb::value_error("state: of another size than the model's");
  if (first_rank < 0 || first_rank >= outputs_) {
    const std::string reason = "first_rank: " + std::to_string(first_rank) + " is not among the " + std::to_string(outputs_) + " outputs";
    throw nb::value_error(reason.c_str());
  }
  if (remembered.size() != std::min<uint64_t>(position, window_)) {
    const std::string reason = "remembered: " + std::to_string(remembered.size()) + " characters do not fit the position";
    throw nb::value_error(reason.c_str());
  }
  positions_.at(row) = position;
  if (window_) remember(row, remembered);
  is_accounted_.at(row) = is_accounted;
  machine_->load(row, state.data(), Start{position, seed, inverse_temperature, top_k, top_p, min_p, alternative, first_rank});
}

Outcome NativeRows::run(nb::sequence asked) {
  const Alone alone(is_moving_);
  Work work = prepare(asked);
  {
    nb::gil_scoped_release release;
    machine_->run(work.advances);
  }
  return settle(work);
}

void NativeRows::start(nb::sequence asked, int pipe) {
  if (is_moving_.test_and_set()) throw std::runtime_error(kInUse);
  try {
    beside_ = std::make_unique<Beside>(prepare(asked), pipe);
    if (!thread_.joinable()) thread_ = std::thread(&NativeRows::live, this);
  } catch (...) {
    beside_.reset();
    is_moving_.clear();
    throw;
  }
  hand_over(Turn::kThreads);
}

nb::tuple NativeRows::finish() {
  if (!beside_) throw std::runtime_error("finish: nothing was started");
  {
    nb::gil_scoped_release release;
    await_turn();
  }
  const std::unique_ptr<Beside> beside = std::move(beside_);
  is_moving_.clear();
  if (beside->failure) std::rethrow_exception(beside->failure);
  return nb::make_tuple(settle(beside->work), beside->seconds);
}

NativeRows::Work NativeRows::prepare(nb::sequence asked) {
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
    std::shared_ptr<Text> text = window_ ? text_with_room(row, skipped + scored + sampled) : nullptr;
    const size_t forced_end = text ? text->size() + skipped + scored : 0;
    const int account_length = scored > 0 || is_accounted_.at(row) ? scored + sampled : 0;
    parts.push_back({drawn, accounted, states, sampled, account_length, positions_.at(row) + skipped + scored, text, forced_end});
    advances.push_back({row, skipped, scored, sampled});
    if (text) advances.back().text = text->end(), advances.back().seen = int(std::min(text->size(), window_));
    drawn += sampled;
    accounted += account_length;
    states += sampled + 1;
  }
  Outcome outcome(std::move(parts), drawn, accounted, states, state_size_, int(window_));
  for (size_t i = 0; i < advances.size(); ++i) point(advances[i], outcome, i, given);
  return {std::move(advances), std::move(given), std::move(outcome)};
}

Array<int32_t> NativeRows::characters(nb::object array) const {
  if (array.is(nothing_)) return {};
  auto found = nb::cast<Array<int32_t>>(array);
  for (size_t i = 0; i < found.size(); ++i)
    if (found.data()[i] < 0 || found.data()[i] > outputs_) throw nb::index_error("a character beyond the vocabulary");
  return found;
}

void NativeRows::point(Advance& advance, Outcome& outcome, size_t index, const std::vector<Array<int32_t>>& given) const {
  const Outcome::Part& part = outcome.part(index);
  advance.to_skip = given[2 * index].data();
  advance.to_score = given[2 * index + 1].data();
  advance.characters = outcome.characters.get() + part.drawn;
  advance.surprises = part.account_length ? outcome.surprises.get() + part.accounted : nullptr;
  advance.log_probabilities = part.account_length ? outcome.log_probabilities.get() + part.accounted : nullptr;
  advance.is_recalled = part.account_length ? outcome.is_recalled.get() + part.accounted : nullptr;
  advance.states = outcome.states.get() + part.states * state_size_;
}

Outcome NativeRows::settle(Work& work) {
  for (const Advance& advance : work.advances) {
    positions_[advance.row] += advance.steps();
    if (window_) texts_[advance.row]->grow(advance.steps());
  }
  return std::move(work.outcome);
}

// Puts the last characters of a text into a row.
void NativeRows::remember(int row, const AnyArray& characters) {
  const bool is_bytes = characters.dtype() == nb::dtype<uint8_t>();
  if (!is_bytes && characters.dtype() != nb::dtype<uint32_t>()) throw nb::type_error("remembered: neither bytes nor uint32");
  const size_t count = characters.size();
  const auto* bytes = static_cast<const uint8_t*>(characters.data());
  const auto* words = static_cast<const uint32_t*>(characters.data());
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) largest = std::max(largest, is_bytes ? bytes[i] : words[i]);
  if (largest > uint32_t(outputs_)) throw nb::index_error("remembered: a character beyond the vocabulary");
  std::shared_ptr<Text>& text = texts_[row];
  if (!text || text.use_count() > 1) text = std::make_shared<Text>(window_ + Text::kRoom, outputs_ > UINT8_MAX);
  text->clear();
  const TextEnd end = text->end();
  for (size_t i = 0; i < count; ++i) end.bytes[i] = is_bytes ? bytes[i] : uint8_t(words[i]);
  if (end.wide)
    for (size_t i = 0; i < count; ++i) end.wide[i] = is_bytes ? bytes[i] : words[i];
  text->grow(count);
}

// The row's text, with room for this many characters more. What an outcome still points into is left as it is.
std::shared_ptr<Text> NativeRows::text_with_room(int row, size_t characters) {
  std::shared_ptr<Text>& text = texts_[row];
  if (!text) throw nb::value_error("row: nothing was loaded");
  if (text->room() >= characters) return text;
  const size_t capacity = window_ + std::max<size_t>(characters, Text::kRoom);
  const bool is_free = text.use_count() == 1 && text->capacity() >= capacity;
  const std::shared_ptr<Text> next = is_free ? text : std::make_shared<Text>(capacity, text->is_wide());
  next->begin(*text, std::min(text->size(), window_));
  return text = next;
}

// The thread's life: sleep, run, tell.
void NativeRows::live() {
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
    tell(pipe);
    hand_over(Turn::kCallers);  // last: once the caller has its turn, it may close the pipe
  }
}

void NativeRows::hand_over(Turn turn) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    turn_ = turn;
  }
  turned_.notify_all();  // whoever wakes finds the lock free
}

// Returns once it is the caller's turn.
void NativeRows::await_turn() {
  std::unique_lock<std::mutex> lock(mutex_);
  turned_.wait(lock, [this] { return turn_ == Turn::kCallers; });
}

}  // namespace elman

#include "outcome.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <utility>

namespace nb = nanobind;

namespace elman {
namespace {

template <typename T>
nb::object view(T* data, size_t count, nb::handle owner) {
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {count}, owner));
}

template <typename T>
nb::object copy_of(const T* data, size_t count) {
  auto* copy = new T[count];
  std::copy_n(data, count, copy);
  nb::capsule owner(copy, [](void* pointer) noexcept { delete[] static_cast<T*>(pointer); });
  return view(copy, count, owner);
}

// The last characters, at most a window of them, of a text up to a place.
nb::object remembered(const std::shared_ptr<Text>& text, size_t end, size_t window) {
  if (!text) return copy_of<uint8_t>(nullptr, 0);
  const size_t count = std::min(end, window);
  return text->is_wide() ? copy_of(text->wide() + end - count, count) : copy_of(text->bytes() + end - count, count);
}

}  // namespace

Outcome::Outcome(std::vector<Part> parts, size_t drawn, size_t accounted, size_t states, int state_size, int window)
    : characters(new int32_t[drawn]),
      surprises(new int64_t[accounted]),
      log_probabilities(new double[accounted]),
      is_recalled(new bool[accounted]),
      states(new int8_t[states * state_size]),
      parts_(std::move(parts)),
      state_size_(state_size),
      window_(window) {}

nb::list Outcome::get_characters(size_t index) const {
  const Part& part = parts_.at(index);
  nb::list list;
  for (int i = 0; i < part.sampled; ++i) list.append(characters[part.drawn + i]);
  return list;
}

nb::tuple Outcome::get_account(Self self, size_t index) {
  const Part& part = self.p->part(index);
  return nb::make_tuple(view(self.p->surprises.get() + part.accounted, part.account_length, self.h),
                        view(self.p->log_probabilities.get() + part.accounted, part.account_length, self.h),
                        view(self.p->is_recalled.get() + part.accounted, part.account_length, self.h));
}

nb::tuple Outcome::get_state(size_t index, int sampled) const {
  const Part& part = parts_.at(index);
  if (sampled < 0 || sampled > part.sampled) throw nb::index_error("sampled: more than the row sampled");
  return nb::make_tuple(copy_of(states.get() + (part.states + sampled) * state_size_, state_size_), part.position + sampled,
                        remembered(part.text, part.forced_end + sampled, window_));
}

nb::tuple Outcome::get_passage(Self self, size_t index) {
  const Part& part = self.p->part(index);
  int8_t* first = self.p->states.get() + part.states * self.p->state_size_;
  const nb::ndarray<nb::numpy, int8_t, nb::ndim<2>> states(first, {size_t(part.sampled) + 1, self.p->state_size_}, self.h);
  return nb::make_tuple(states, part.position);
}

}  // namespace elman

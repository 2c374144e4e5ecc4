// elman_models._native: what Python sees of the native execution, and nothing else. _native.pyi describes it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <string>
#include <vector>

#include "builder.h"
#include "instructions.h"
#include "outcome.h"
#include "rows.h"
#include "text.h"

namespace nb = nanobind;

namespace {

template <typename T>
nb::object array_of(const std::vector<T>& values) {
  auto* copy = new std::vector<T>(values);
  nb::capsule owner(copy, [](void* pointer) noexcept { delete static_cast<std::vector<T>*>(pointer); });
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(copy->data(), {copy->size()}, owner));
}

// (lengths, characters, same, other, rivals, distances) before each character of a text, and at its end: law/recall.py, Recalled.
nb::tuple recall_along(elman::Array<uint32_t> text, int window, const std::string& instructions) {
  const elman::Recall recall = elman::find_recall(instructions);
  elman::Text read(text.size(), std::any_of(text.data(), text.data() + text.size(), [](uint32_t each) { return each > UINT8_MAX; }));
  std::vector<int32_t> lengths, characters, same, other, rivals, distances;
  for (size_t place = 0; place <= text.size(); ++place) {
    const elman::Recalled recalled = recall(read.end(), int(std::min<size_t>(place, window)));
    lengths.push_back(recalled.length);
    characters.push_back(recalled.character);
    same.push_back(recalled.same);
    other.push_back(recalled.other);
    rivals.push_back(recalled.rival);
    distances.push_back(recalled.distance);
    if (place == text.size()) break;
    const elman::TextEnd end = read.end();
    *end.bytes = uint8_t(text.data()[place]);
    if (end.wide) *end.wide = text.data()[place];
    read.grow(1);
  }
  return nb::make_tuple(array_of(lengths), array_of(characters), array_of(same), array_of(other), array_of(rivals),
                        array_of(distances));
}

}  // namespace

NB_MODULE(_native, m) {
  using namespace elman;
  m.def("instruction_sets", &instruction_sets, "The instruction sets that this machine has, the fastest first.");
  m.def("recall", &recall_along, "What is recalled before each character of a text.");
  nb::class_<Builder>(m, "Builder")
      .def(nb::init<>())
      .def("layer", &Builder::layer)
      .def("output", &Builder::output)
      .def("tables", &Builder::tables)
      .def("recall", &Builder::recall);
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

// elman_models._native: what Python sees of the native execution, and nothing else. _native.pyi describes it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "builder.h"
#include "instructions.h"
#include "outcome.h"
#include "rows.h"

namespace nb = nanobind;

NB_MODULE(_native, m) {
  using namespace elman;
  m.def("instruction_sets", &instruction_sets, "The instruction sets that this machine has, the fastest first.");
  nb::class_<Builder>(m, "Builder")
      .def(nb::init<>())
      .def("layer", &Builder::layer)
      .def("output", &Builder::output)
      .def("tables", &Builder::tables);
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

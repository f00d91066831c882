#include "axonomy_digest.hpp"  // of the build: AXONOMY_SOURCES
#include "common.hpp"

#define AXONOMY_TEXT(x) #x
#define AXONOMY_STRING(x) AXONOMY_TEXT(x)

namespace axonomy::bindings {

void bind_build_info(py::module_& m) {
  m.def("build_info", [] {
    py::dict info;
#if defined(__clang__)
    info["compiler"] = "clang " __clang_version__;
#elif defined(__GNUC__)
    info["compiler"] = "gcc " __VERSION__;
#else
    info["compiler"] = "unknown";
#endif
    info["sources"] = AXONOMY_SOURCES;
    info["flags"] = AXONOMY_FLAGS;
    info["build_type"] = AXONOMY_BUILD_TYPE;
    info["simd"] = Eigen::SimdInstructionSetsInUse();
    info["simd_bytes"] = AXONOMY_VECTORS ? simd_bytes : 0;
    info["eigen"] = AXONOMY_STRING(EIGEN_WORLD_VERSION) "." AXONOMY_STRING(
        EIGEN_MAJOR_VERSION) "." AXONOMY_STRING(EIGEN_MINOR_VERSION);
    info["pybind11"] = AXONOMY_STRING(PYBIND11_VERSION_MAJOR) "." AXONOMY_STRING(
        PYBIND11_VERSION_MINOR);
    return info;
  });
}

}  // namespace axonomy::bindings

# The learners made for a scalar that counts operations, for the tests and the benchmarks.
include_guard(GLOBAL)

list(TRANSFORM axonomy_sources PREPEND "${PROJECT_SOURCE_DIR}/"
     OUTPUT_VARIABLE axonomy_counted_sources)
add_library(axonomy_counted STATIC ${axonomy_counted_sources})
target_compile_definitions(axonomy_counted PRIVATE AXONOMY_COUNTING)
target_include_directories(axonomy_counted PUBLIC ${PROJECT_SOURCE_DIR}/tests/cpp
                           PRIVATE ${PROJECT_SOURCE_DIR}/cpp/src)
target_link_libraries(axonomy_counted PUBLIC axonomy_headers)

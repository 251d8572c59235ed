# fortet_target(<target> [HOST]): the compile settings every target of ours shares. Sources of a target go
# through nvcc when Kokkos has CUDA; those listed with fortet_host_sources() stay with the host compiler.
function(fortet_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set(warnings -Wall -Wextra -Wpedantic -Wshadow)
  if(FORTET_WARNINGS_AS_ERRORS)
    list(APPEND warnings -Werror)
  endif()
  # nvcc's generated host code is not pedantic
  list(JOIN warnings "," cuda_warnings)
  string(REPLACE "-Wpedantic," "" cuda_warnings "${cuda_warnings}")
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${cuda_warnings};--expt-relaxed-constexpr>")
  if(FORTET_SANITIZE)
    # GCC 12 takes its own AVX-512 headers for uninitialised under the sanitizers
    target_compile_options(${target} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
endfunction()

# fortet_kokkos_sources(<files>): these include Kokkos. A contract test holds the list against the sources.
function(fortet_kokkos_sources)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source)
    set_property(GLOBAL APPEND_STRING PROPERTY FORTET_KOKKOS_SOURCES "${source}\n")
  endforeach()
  if(Kokkos_ENABLE_CUDA)
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CUDA)
  endif()
endfunction()

# install(): headers, library, program and a package config that asks for Kokkos alone.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fortet)
install(TARGETS fortet EXPORT fortetTargets FILE_SET HEADERS FILE_SET adaptors)
if(FORTET_BUILD_PROGRAM)
  file(RELATIVE_PATH library_from_program ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(fortet_program PROPERTIES INSTALL_RPATH "$ORIGIN/${library_from_program}")
  install(TARGETS fortet_program)
  install(FILES ${PROJECT_SOURCE_DIR}/validation/plots/compare.py ${PROJECT_SOURCE_DIR}/validation/plots/validate.py
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fortet/plots)
endif()
install(EXPORT fortetTargets NAMESPACE fortet:: DESTINATION ${package_dir})
set(fortet_static_with_fftw OFF)
get_target_property(fortet_type fortet TYPE)
if(FORTET_HAVE_FFTW AND fortet_type STREQUAL "STATIC_LIBRARY")
  set(fortet_static_with_fftw ON)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/fortetConfig.cmake.in
  ${PROJECT_BINARY_DIR}/fortetConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fortetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fortetConfig.cmake ${PROJECT_BINARY_DIR}/fortetConfigVersion.cmake
        DESTINATION ${package_dir})

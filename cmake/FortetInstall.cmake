# install(): headers, library, program and a package config that asks for Kokkos alone.
include(CMakePackageConfigHelpers)
install(TARGETS fortet EXPORT fortetTargets FILE_SET HEADERS)
if(FORTET_BUILD_PROGRAM)
  install(TARGETS fortet_program)
endif()
install(EXPORT fortetTargets NAMESPACE fortet:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/fortet)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/fortetConfig.cmake.in
  ${PROJECT_BINARY_DIR}/fortetConfig.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/fortet)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fortetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fortetConfig.cmake ${PROJECT_BINARY_DIR}/fortetConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/fortet)

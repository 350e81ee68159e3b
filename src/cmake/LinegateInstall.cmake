# Installs the library and the program, so that others find them with find_package(linegate) or pkg-config. Included once
# by src/CMakeLists.txt; says nothing about how they are built.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(LINEGATE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/linegate)

install(TARGETS linegate EXPORT linegate ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY base coro loop json net http wire upstream
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/linegate FILES_MATCHING PATTERN "*.h")
install(FILES linegate.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/linegate OPTIONAL)

install(EXPORT linegate NAMESPACE linegate:: FILE linegateTargets.cmake DESTINATION ${LINEGATE_CMAKE_DIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/linegateConfig.cmake.in ${PROJECT_BINARY_DIR}/linegateConfig.cmake
                              INSTALL_DESTINATION ${LINEGATE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/linegateConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/linegateConfig.cmake ${PROJECT_BINARY_DIR}/linegateConfigVersion.cmake
        DESTINATION ${LINEGATE_CMAKE_DIR})

# The .pc file names its prefix relative to itself, so that an installed tree can be moved.
file(RELATIVE_PATH LINEGATE_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/linegate.pc.in ${PROJECT_BINARY_DIR}/linegate.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/linegate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS linegate_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

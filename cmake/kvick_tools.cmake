# src/tools/<name>/ with a main.cc becomes the program kvick-<name>, with - for each _. The other files of the folder are a library of
# their own, kvick_<name>_tool, so that the unit tests beside them can link it. A folder without main.cc is shared:
# every tool links it.

file(GLOB tool_folders CONFIGURE_DEPENDS LIST_DIRECTORIES true "${CMAKE_SOURCE_DIR}/src/tools/*")
set(KVICK_TOOLS)         # folders with sources
set(KVICK_SHARED_TOOLS)  # libraries of the folders without main.cc
foreach(folder IN LISTS tool_folders)
  if(IS_DIRECTORY "${folder}")
    get_filename_component(tool "${folder}" NAME)
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cc")
    list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
    if(sources)
      add_library(kvick_${tool}_tool STATIC ${sources})
      target_link_libraries(kvick_${tool}_tool PUBLIC kvick kvick_tool_dependencies)
      if(NOT EXISTS "${folder}/main.cc")
        list(APPEND KVICK_SHARED_TOOLS kvick_${tool}_tool)
      endif()
      list(APPEND KVICK_TOOLS ${tool})
    elseif(EXISTS "${folder}/main.cc")
      add_library(kvick_${tool}_tool INTERFACE)
      target_link_libraries(kvick_${tool}_tool INTERFACE kvick)
      list(APPEND KVICK_TOOLS ${tool})
    endif()
  endif()
endforeach()

foreach(tool IN LISTS KVICK_TOOLS)
  if(EXISTS "${CMAKE_SOURCE_DIR}/src/tools/${tool}/main.cc")
    string(REPLACE "_" "-" program "kvick-${tool}")
    add_executable(${program} "${CMAKE_SOURCE_DIR}/src/tools/${tool}/main.cc")
    target_link_libraries(${program} PRIVATE kvick_${tool}_tool ${KVICK_SHARED_TOOLS})
  endif()
endforeach()

# embed.cmake - the page's files into the program: web/dist, gzipped, as one generated source of the given target.
# Without web/dist the program says how to build the page. A later web/dist is found at the next build.
function(sluice_embed_page target)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/dist/*)
  add_executable(embed ${CMAKE_SOURCE_DIR}/tools/embed.cc)
  target_link_libraries(embed PRIVATE PkgConfig::libdeflate)
  set(generated ${CMAKE_BINARY_DIR}/page.cc)
  add_custom_command(OUTPUT ${generated} COMMAND embed ${CMAKE_SOURCE_DIR}/web/dist ${generated} DEPENDS embed ${files}
                     COMMENT "Embedding web/dist")
  target_sources(${target} PRIVATE ${generated})
endfunction()

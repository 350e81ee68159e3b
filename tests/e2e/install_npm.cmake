# Run as a script: installs the locked packages of FROM into TO with NPM, unless they are there already.
set(lock ${FROM}/package-lock.json)
set(stamp ${TO}/installed-lock.json)
if(EXISTS ${stamp})
  file(SHA256 ${lock} wanted)
  file(SHA256 ${stamp} found)
  if(wanted STREQUAL found)
    return()
  endif()
endif()

file(COPY ${FROM}/package.json ${lock} DESTINATION ${TO})
execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund WORKING_DIRECTORY ${TO} COMMAND_ERROR_IS_FATAL ANY)
file(COPY_FILE ${lock} ${stamp})

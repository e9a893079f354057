// journaled.h - what the journals of a data directory say before anything of it is opened.
//
// Errors  As Journal::read. Nothing is changed.
#pragma once

#include "app/data_directory.h"
#include "process/journal.h"

namespace sluice::app {

struct Journaled {
  TimeMs clock = kMinusInfinity;   // the newest that an epoch was given: no later frame may arrive before it
  event::Offset committed_to;      // behind it lies what waits to be stored
};
Result<Journaled> read_journals(os::Ports ports, const DataPaths& paths, const std::string& data_id);

}  // namespace sluice::app

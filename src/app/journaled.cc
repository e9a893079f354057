#include "app/journaled.h"

namespace sluice::app {

Result<Journaled> read_journals(os::Ports ports, const DataPaths& paths, const std::string& data_id) {
  Journaled journaled;
  event::Epoch committed;
  const std::vector<process::JournalEntry> marks = SLUICE_TRY(process::Journal::read(ports.files, paths.marks(), data_id));
  for (const process::CommitEntry& mark : process::commits_of(marks)) committed = std::max(committed, mark.epoch);
  const std::vector<process::JournalEntry> cuts =
      SLUICE_TRY(process::Journal::read(ports.files, paths.process() + "/cuts", data_id));
  for (const process::JournalEntry& entry : cuts) {
    const auto* cut = std::get_if<process::CutEntry>(&entry);
    if (cut == nullptr) continue;
    if (cut->clock) journaled.clock = std::max(journaled.clock, *cut->clock);
    if (cut->epoch <= committed) journaled.committed_to = event::embedded_offset(cut->to);
  }
  return journaled;
}

}  // namespace sluice::app

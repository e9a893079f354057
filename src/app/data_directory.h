// data_directory.h - DATA: what lies where, whose it is, and that only one process uses it.
//
// Layout  lock · data-id · keys · control.sock · log/ · process/{cuts,marks,checkpoints,ids,links} · plans/<hash> · store/ (the child's)
//         · send/ (how far each sent file came).
// Promise open() creates what is missing (folder mode as umask says), takes the lock, and makes the random data id once.
// Errors  Code::conflict: another process holds it (its message says how to go on).
#pragma once

#include <memory>
#include <string>

#include "event/data_id.h"
#include "os/ports.h"

namespace sluice::app {

struct DataPaths {
  std::string root;  // absolute
  std::string log() const { return root + "/log"; }
  std::string process() const { return root + "/process"; }
  std::string marks() const { return root + "/process/marks"; }
  std::string plans() const { return root + "/plans"; }
  std::string store() const { return root + "/store"; }
  std::string store_socket() const { return root + "/store.sock"; }
  std::string control_socket() const { return root + "/control.sock"; }
  std::string keys() const { return root + "/keys"; }
  std::string send() const { return root + "/send"; }
  std::string notes() const { return root + "/notes"; }  // lines that the page shows, written by whoever prepared the data
};

class DataDirectory {
 public:
  // `wait`: how long to wait for another process that is just ending.
  static Result<std::unique_ptr<DataDirectory>> open(os::Ports ports, const std::string& path, DurationMs wait);
  const DataPaths& paths() const { return paths_; }
  const event::DataId& data_id() const { return data_id_; }

 private:
  DataPaths paths_;
  event::DataId data_id_;
  std::unique_ptr<os::Lock> lock_;
};

Result<DataPaths> data_paths(os::Ports ports, const std::string& path);

}  // namespace sluice::app

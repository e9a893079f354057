#include "app/store_access.h"

#include <nlohmann/json.hpp>

#include "store/errors.h"

namespace sluice::app {
namespace {

constexpr DurationMs kInsertTimeout{60'000};
constexpr DurationMs kStatementTimeout{60'000};
constexpr DurationMs kJobTimeout{600'000};
constexpr DurationMs kFenceWait{10'000};
constexpr size_t kJobReplyMax = 256_MiB;

// Jobs run beside live inserts: one thread disturbs them least (facts/exactly-once.md 3.6).
const store::Settings& job_settings() {
  static const store::Settings settings{{"max_threads", "1"},
                                        {"max_memory_usage", "600000000"},
                                        {"max_bytes_before_external_group_by", "150000000"},
                                        {"max_bytes_ratio_before_external_group_by", "0"},
                                        {"max_query_size", "1000000"},
                                        {"max_ast_elements", "1000000"},
                                        {"max_expanded_ast_elements", "2000000"}};
  return settings;
}

Error away(const StoreChild& child) {
  const std::string why = child.state().last_error;
  return fail(Code::unavailable, "store restarting" + (why.empty() ? "" : " (" + why + ")"));
}

store::ClientOptions address(const std::string& socket) {
  store::ClientOptions options;
  options.address.unix_path = socket;
  return options;
}

uint64_t rows_read(const net::Response& response) {
  const auto summary = net::find_header(response.headers, "X-ClickHouse-Summary");
  if (!summary) return 0;
  const nlohmann::json parsed = nlohmann::json::parse(*summary, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("read_rows") || !parsed["read_rows"].is_string()) return 0;
  return std::strtoull(parsed["read_rows"].get_ref<const std::string&>().c_str(), nullptr, 10);
}

}  // namespace

StoreWarehouse::StoreWarehouse(os::Ports ports, StoreChild& child, std::string store_directory, std::string socket)
    : ports_(ports), child_(child), directory_(std::move(store_directory)), client_(ports, address(socket)) {}

Status StoreWarehouse::insert(const process::Insert& insert) {
  if (!child_.ready()) return away(child_);
  return client_.insert(insert.statement, insert.rows, insert.row_count, insert.query_id, kInsertTimeout);
}

Status StoreWarehouse::execute(const std::string& statement) {
  if (!child_.ready()) return away(child_);
  return client_.execute(statement, kStatementTimeout);
}

Result<std::string> StoreWarehouse::query(const std::string& statement, std::string_view format) {
  if (!child_.ready()) return away(child_);
  return client_.query(statement, format, job_settings(), kJobTimeout, kJobReplyMax);
}

Status StoreWarehouse::fence() { return child_.fence(kFenceWait); }

Status StoreWarehouse::sync() { return ports_.files.sync_file_system(directory_); }

std::unique_ptr<net::Client> StoreQueries::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return net::Client::to(ports_, net::Address{{}, socket_});
  std::unique_ptr<net::Client> client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

void StoreQueries::give_back(std::unique_ptr<net::Client> client) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(client));
}

Result<serve::Reply> StoreQueries::query(const serve::Query& query) {
  if (stopping_) return fail(Code::closed, "the program is stopping");
  if (!child_.ready()) return away(child_);
  if (const std::string why = closed_ ? closed_() : std::string(); !why.empty()) return fail(Code::unavailable, why);
  net::ClientRequest request;
  request.target = "/?database=sluice&wait_end_of_query=1&default_format=" + net::percent_encode(query.format);
  if (query.role == serve::Role::service) request.headers.emplace_back("X-Sluice-Role", "writer");
  request.body = query.sql;
  request.timeout = query.timeout;
  request.wanted = [this] { return !stopping_.load(); };
  std::unique_ptr<net::Client> client = take();
  Result<net::Response> response = client->send(request, query.bytes_max);
  if (!response && stopping_) return fail(Code::closed, "the program is stopping");
  if (!response) return std::move(response).error();
  give_back(std::move(client));
  if (response->status != 200) {
    std::string text = response->body;
    while (text.ends_with('\n')) text.pop_back();
    const int code = store::exception_code(text);
    return fail(code == 0                                 ? Code::unavailable
                : store::code_of(code) == Code::not_found ? Code::invalid
                                                          : store::code_of(code),
                text);
  }
  serve::Reply reply;
  reply.body = std::move(response->body);
  reply.format = std::string(net::find_header(response->headers, "X-ClickHouse-Format").value_or(query.format));
  reply.rows_read = rows_read(*response);
  return reply;
}

}  // namespace sluice::app

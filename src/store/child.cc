#include "store/child.h"

#include <fmt/format.h>

#include "store/errors.h"
#include "store/gate.h"
#include "store/native.h"
#include "store/sql_text.h"
#include "store/url_settings.h"

namespace sluice::store {

namespace {

constexpr DurationMs kWatchPause{250};
constexpr std::chrono::hours kIdlePause{1};  // a queue wakes its workers by itself; this only bounds one wait
constexpr size_t kInsertPieceBytes = 1_MiB;
constexpr std::string_view kDefaultDatabase = "sluice";

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return std::string(text);
}

// The id in KILL QUERY WHERE query_id = '...' [ASYNC], the one form that is taken.
std::optional<std::string> killed_id(const std::vector<Token>& tokens) {
  constexpr std::array<std::string_view, 4> kWords = {"KILL", "QUERY", "WHERE", "QUERY_ID"};
  if (tokens.size() < 6 || tokens.size() > 7) return std::nullopt;
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (!is_word(tokens[i], kWords[i])) return std::nullopt;
  }
  const std::string_view quoted = tokens[5].text;
  if (!is_symbol(tokens[4], '=') || tokens[5].kind != TokenKind::string || quoted.find('\\') != std::string_view::npos) return std::nullopt;
  if (tokens.size() == 7 && !is_word(tokens[6], "ASYNC")) return std::nullopt;
  return std::string(quoted.substr(1, quoted.size() - 2));
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const Engine& engine, os::Ports ports, const ReaderLimits& limits) {
  Connection keep = SLUICE_TRY(engine.connect({}));
  FunctionNames names = SLUICE_TRY(FunctionNames::load(keep));
  Identity identity;
  identity.version = trimmed(SLUICE_TRY(keep.query("SELECT version()", "TSVRaw")).bytes());
  identity.timezone = trimmed(SLUICE_TRY(keep.query("SELECT timezone()", "TSVRaw")).bytes());
  // The reader's database must exist before its first session; the pipeline makes the tables.
  SLUICE_CHECK(keep.query(fmt::format("CREATE DATABASE IF NOT EXISTS {}", kDefaultDatabase), "Null"));
  return std::unique_ptr<Child>(new Child(engine, ports, limits, std::move(keep), std::move(names), std::move(identity)));
}

Child::Child(const Engine& engine, os::Ports ports, const ReaderLimits& limits, Connection keep, FunctionNames names, Identity identity)
    : engine_(engine),
      ports_(ports),
      limits_(limits),
      names_(std::move(names)),
      identity_(std::move(identity)),
      id_prefix_(ports.entropy.hex(8)),
      lanes_{Queue({kLaneItemsMax[0], kLaneBytesMax}), Queue({kLaneItemsMax[1], kLaneBytesMax}), Queue({kLaneItemsMax[2], kLaneBytesMax})},
      keep_(std::move(keep)) {}

std::string Child::fresh_id() { return fmt::format("{}-{}", id_prefix_, next_id_.fetch_add(1)); }

void Child::refuse(net::Responder& responder, std::string_view query_id, const Error& error) const {
  responder.send(exception_response(identity_, query_id, error));
}

void Child::handle(net::Request http, net::Responder responder) {
  const std::string id = fresh_id();
  Result<StoreRequest> read = read_request(std::move(http), id);
  if (!read) return refuse(responder, id, read.error());
  StoreRequest& request = *read;
  if (request.is_ping) {
    net::Response pong;
    pong.headers.emplace_back("Content-Type", "text/html; charset=UTF-8");
    pong.body = "Ok.\n";
    return responder.send(std::move(pong));
  }
  if (request.is_head) {
    // Without Content-Length: a client that asked for the length (DuckDB) then reads once instead of asking for ranges of differing results.
    const std::string format = request.default_format.empty() ? "TabSeparated" : request.default_format;
    responder.start(success_head(identity_, request.query_id, format), kSlowClientBytes)->close();
    return;
  }
  const Lane lane = request.role == Role::reader ? Lane::readers : request.is_insert ? Lane::inserts : Lane::writers;
  const size_t bytes = request.sql.size() + request.rows.size();
  auto job = std::make_unique<Job>(Job{std::move(request), std::move(responder)});
  if (std::optional<std::unique_ptr<Job>> back = lanes_[static_cast<size_t>(lane)].try_push(std::move(job), bytes)) {
    refuse((*back)->responder, (*back)->request.query_id,
           stopping_ ? exception(kNetworkError, "The store is stopping; try again in a moment")
                     : exception(kTooManyQueries, "Too many statements wait already; try again in a second"));
  }
}

void Child::run(Lane lane) {
  Queue& queue = lanes_[static_cast<size_t>(lane)];
  while (true) {
    std::optional<std::unique_ptr<Job>> job = queue.pop_for(kIdlePause);
    if (job) {
      if ((*job)->responder.alive()) execute(**job);  // whoever left before its turn gets no work done
    } else if (queue.closed()) {
      return;
    }
  }
}

void Child::watch() {
  while (!stopping_) {
    running_.wait(kWatchPause);
    for (const std::string& mark : running_.gone()) {
      // ASYNC: the synchronous form never returned (facts/exactly-once.md 21). Repeated until the statement is gone: it may not have begun.
      const Result<Reply> killed = keep_.query(fmt::format("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC", quote_string(mark)), "Null");
      static_cast<void>(killed.has_value());  // nothing to do about it: the next turn tries again
    }
  }
}

void Child::stop() {
  stopping_ = true;
  for (Queue& queue : lanes_) queue.close();
  running_.end_all();
  running_.wake();
}

void Child::execute(Job& job) {
  if (job.request.role == Role::reader) return read(job);
  if (job.request.is_insert) return insert(job);
  write(job);
}

Error Child::opened_badly(const Settings& settings) const {
  std::string names;
  for (const auto& [name, value] : settings) names += (names.empty() ? "" : ", ") + name;
  return exception(kBadArguments, fmt::format("The engine refused a session with the settings {}", names));
}

Result<Connection> Child::open_writer(const StoreRequest& request) const {
  std::string set = SLUICE_TRY(set_statement(request.settings));
  if (!request.database.empty()) set += (set.empty() ? "USE " : "; USE ") + quote_name(request.database);
  Result<Connection> connection = engine_.connect({{"log_comment", request.query_id}});
  if (!connection) return opened_badly({{"log_comment", request.query_id}});
  if (!set.empty()) SLUICE_CHECK(connection->query(set, "Null"));
  return connection;
}

void Child::insert(Job& job) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  if (!request.rows_announced) return refused(exception(kBadArguments, "An INSERT must announce its rows in the header X-Sluice-Rows"));
  const Result<Statement> statement = split_statement(request.sql);
  if (!statement) return refused(statement.error());
  const std::string format = !statement->format.empty() ? statement->format : request.default_format;
  if (format.empty()) return refused(exception(kUnknownFormat, "An INSERT must name the format of its rows: ... FORMAT RowBinary"));

  const auto guard = running_.enter(request.query_id, request.query_id, job.responder);
  Result<Connection> connection = open_writer(request);
  if (!connection) return refused(connection.error());
  Result<Reply> done = [&]() -> Result<Reply> {
    InsertStream stream = SLUICE_TRY(connection->insert(statement->text, format));
    for (std::string_view rest = request.rows; !rest.empty(); rest.remove_prefix(std::min(kInsertPieceBytes, rest.size()))) {
      SLUICE_CHECK(stream.append(rest.substr(0, kInsertPieceBytes)));
    }
    return stream.finish();
  }();
  guard->reply_begins();
  if (!done) return refused(done.error());
  if (done->rows_written() != *request.rows_announced) {
    return refused(exception(kRowsMismatch, fmt::format("The engine stored {} rows of {} that were announced; ask what is stored before anything is sent again",
                                                        done->rows_written(), *request.rows_announced)));
  }
  net::Response response = success_head(identity_, request.query_id, format);
  Summary summary;
  summary.add(*done);
  add_summary(response, summary);
  job.responder.send(std::move(response));
}

void Child::write(Job& job) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  const Result<Statement> statement = split_statement(request.sql);
  if (!statement) return refused(statement.error());
  if (statement->tokens.empty()) return refused(exception(kSyntaxError, "Empty query"));
  const Token& first = statement->tokens.front();
  if (is_word(first, "KILL")) {
    const std::optional<std::string> id = killed_id(statement->tokens);
    if (!id) return refused(exception(kBadArguments, "Only KILL QUERY WHERE query_id = '...' [ASYNC] is taken"));
    running_.ask_to_end(*id);
    return job.responder.send(success_head(identity_, request.query_id, "TabSeparated"));
  }
  const auto guard = running_.enter(request.query_id, request.query_id, job.responder);
  Result<Connection> connection = open_writer(request);
  if (!connection) return refused(connection.error());
  const Analysis analysis = connection->classify(statement->text);
  if (analysis.statement_count > 1) return refused(exception(kSyntaxError, "Multi-statements are not allowed: send one statement per request"));
  if (is_word(first, "INSERT") && analysis.statement_class != StatementClass::read_only) {
    // The engine cuts rows inside the text at the first blank line and runs the rest as SQL (facts/store.md 1).
    bool selects = false;
    for (const Token& token : statement->tokens) selects = selects || is_word(token, "SELECT") || is_word(token, "WITH");
    if (!selects) return refused(exception(kBadArguments, "Rows inside the statement are not taken: put the INSERT into ?query= and its rows into the body"));
  }
  const std::string format = !statement->format.empty() ? statement->format : !request.default_format.empty() ? request.default_format : "TabSeparated";
  if (analysis.statement_class == StatementClass::read_only) {
    return stream(job, *connection, std::string(statement->text), format, true, *guard);
  }
  Result<Reply> done = connection->query(statement->text, format, request.parameters);
  guard->reply_begins();
  if (!done) return refused(done.error());
  net::Response response = success_head(identity_, request.query_id, format);
  Summary summary;
  summary.add(*done);
  add_summary(response, summary);
  response.body = done->bytes();
  job.responder.send(std::move(response));
}

Result<Connection> Child::open_reader(const StoreRequest& request, const std::string& mark, bool read_only) const {
  // `default` is what clients send when nobody chose: readers have one database of their own.
  const bool chosen = !request.database.empty() && request.database != "default";
  const std::string_view database = chosen ? std::string_view(request.database) : kDefaultDatabase;
  if (!is_open_database(database)) return exception(kUnknownDatabase, fmt::format("Database {} does not exist", quote_name(database)));
  const Settings settings = SLUICE_TRY(admit_url_settings(request.settings, limits_));
  Settings fixed = reader_settings(limits_);
  fixed.emplace_back("log_comment", mark);
  Result<Connection> connection = engine_.connect(fixed);
  if (!connection) return opened_badly(fixed);
  SLUICE_CHECK(become_reader(*connection, settings, database, read_only));
  return connection;
}

void Child::read(Job& job) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  const Result<Statement> statement = split_statement(request.sql);
  if (!statement) return refused(statement.error());
  const KnownQuestion question = request.parameters.empty() ? KnownAnswers::match(statement->tokens) : KnownQuestion::none;
  std::string format = !statement->format.empty() ? statement->format : !request.default_format.empty() ? request.default_format : "TabSeparated";
  if (!is_allowed_format(format)) return refused(exception(kUnknownFormat, fmt::format("Format {} is not open to readers of this interface", format)));
  const auto answer = [&](std::string body) {
    net::Response response = success_head(identity_, request.query_id, format);
    response.body = std::move(body);
    job.responder.send(std::move(response));
  };
  if (question == KnownQuestion::hello && request.protocol_version > 0 && format == "Native") {
    return answer(hello_block(identity_.display_name, identity_.version, identity_.timezone));
  }
  if (std::optional<std::string> kept = known_.find(question, format)) return answer(std::move(*kept));

  // The client's query id may be anything, also one of the pipeline's own: the mark in the engine is ours.
  const std::string mark = "reader-" + fresh_id();
  const auto guard = running_.enter(mark, request.query_id, job.responder);
  Result<Connection> connection = open_reader(request, mark, question != KnownQuestion::settings);
  if (!connection) return refused(connection.error());
  const std::string database = request.database.empty() || request.database == "default" ? std::string(kDefaultDatabase) : request.database;
  const Result<Admitted> admitted = Gate(names_, database).check(*connection, request.sql, request.parameters);
  if (!admitted) return refused(admitted.error());
  if (question == KnownQuestion::settings || question == KnownQuestion::version || question == KnownQuestion::check) {
    const Result<Reply> reply = connection->query(admitted->sql, format);
    guard->reply_begins();
    if (!reply) return refused(reply.error());
    if (request.settings.empty()) known_.keep(question, format, reply->bytes());
    return answer(std::string(reply->bytes()));
  }
  stream(job, *connection, admitted->sql, format, admitted->is_select, *guard);
}

void Child::stream(Job& job, Connection& connection, const std::string& sql, const std::string& format, bool described, Running::Guard& guard) {
  StoreRequest& request = job.request;
  ResultWriter writer(identity_, job.responder, request.query_id, format, ports_.entropy.hex(8));
  writer.on_start([&] { guard.reply_begins(); });
  Summary summary;
  {
    Result<RowStream> rows = connection.stream(sql, format, request.parameters);
    if (!rows) return writer.fail(rows.error());
    while (true) {
      const Result<Reply> chunk = rows->next();
      if (!chunk) return writer.fail(chunk.error());
      summary.add(*chunk);
      if (chunk->bytes().empty()) break;
      const bool streamed = writer.stream() != nullptr;
      if (!writer.write(chunk->bytes())) return;  // the stream's end cancels the statement
      if (!streamed && writer.stream()) guard.streams(writer.stream());
    }
  }
  if (format == "Native" && described && writer.bytes() == 0) {
    const Result<Reply> description = connection.query("DESCRIBE (" + sql + ")", "RowBinary", request.parameters);
    if (!description) return writer.fail(description.error());
    const Result<std::vector<Column>> columns = read_description(description->bytes());
    if (!columns) return writer.fail(columns.error());
    writer.write(header_block(*columns));
  }
  writer.finish(summary);
}

}  // namespace sluice::store

// The statements of a Child: what happens to one request on a worker's thread.
#include <fmt/format.h>

#include <algorithm>

#include "store/child.h"
#include "store/errors.h"
#include "store/formats.h"
#include "store/gate.h"
#include "store/native.h"
#include "store/sql_text.h"
#include "store/url_settings.h"

namespace sluice::store {

namespace {

constexpr size_t kInsertPieceBytes = 1_MiB;

std::string first_named(const std::string& in_sql, const std::string& in_request, std::string_view otherwise) {
  return !in_sql.empty() ? in_sql : !in_request.empty() ? in_request : std::string(otherwise);
}

bool begins_a_select(const Token& token) {
  return is_word(token, "SELECT") || is_word(token, "WITH") || is_word(token, "FROM") || is_symbol(token, '(');
}

bool has_word(const std::vector<Token>& tokens, std::string_view word) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) { return is_word(token, word); });
}

// `default` is what clients send when nobody chose: readers have one database of their own.
std::string reader_database(const StoreRequest& request) {
  const bool chosen = !request.database.empty() && request.database != "default";
  return chosen ? request.database : std::string(kReaderDatabase);
}

// A document is whole in memory, so its size has a ceiling, which the request may lower.
void bound_document(Settings& settings, uint64_t bytes_max) {
  uint64_t bytes = bytes_max;
  for (const auto& [name, value] : settings) {
    if (name == "max_result_bytes") bytes = std::min<uint64_t>(bytes, std::stoull(value));
  }
  std::erase_if(settings, [](const auto& setting) { return setting.first == "max_result_bytes"; });
  settings.emplace_back("max_result_bytes", std::to_string(bytes));
}

Error opened_badly(std::string_view what) {
  return exception(kBadArguments, fmt::format("The engine refused a session with the settings of {}", what));
}

}  // namespace

void Child::execute(Job& job) {
  const Result<Statement> statement = split_statement(job.request.sql);
  if (!statement) return refuse(job.responder, job.request.query_id, statement.error());
  if (statement->tokens.empty()) return refuse(job.responder, job.request.query_id, exception(kSyntaxError, "Empty query"));
  if (job.request.role == Role::reader) return read(job, *statement);
  if (job.request.is_insert) return insert(job, *statement);
  write(job, *statement);
}

Result<Connection> Child::open_writer(const StoreRequest& request) const {
  std::string set = SLUICE_TRY(set_statement(request.settings));
  if (!request.database.empty()) set += (set.empty() ? "USE " : "; USE ") + quote_name(request.database);
  Result<Connection> connection = engine_.connect({{"log_comment", request.query_id}});
  if (!connection) return opened_badly("a writer");
  if (!set.empty()) SLUICE_CHECK(connection->query(set, "Null"));
  return connection;
}

Result<Connection> Child::open_reader(const StoreRequest& request, const std::string& mark, bool read_only, bool document) const {
  const std::string database = reader_database(request);
  if (!is_open_database(database))
    return exception(kUnknownDatabase, fmt::format("Database {} does not exist", quote_name(database)));
  Settings settings = SLUICE_TRY(admit_url_settings(request.settings, limits_));
  if (document) bound_document(settings, limits_.document_bytes_max);
  Settings fixed = reader_settings(limits_);
  fixed.emplace_back("log_comment", mark);
  Result<Connection> connection = engine_.connect(fixed);
  if (!connection) return opened_badly("a reader");
  SLUICE_CHECK(become_reader(*connection, settings, database, read_only));
  return connection;
}

void Child::insert(Job& job, const Statement& statement) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  if (!request.rows_announced)
    return refused(exception(kBadArguments, "An INSERT must announce its rows in the header X-Sluice-Rows"));
  const std::string format = first_named(statement.format, request.default_format, "");
  if (format.empty())
    return refused(exception(kUnknownFormat, "An INSERT must name the format of its rows: ... FORMAT RowBinary"));

  const auto guard = running_.enter(request.query_id, request.query_id, job.responder);
  Result<Connection> connection = open_writer(request);
  if (!connection) return refused(connection.error());
  const Result<Reply> done = [&]() -> Result<Reply> {
    InsertStream stream = SLUICE_TRY(connection->insert(statement.text, format));
    for (std::string_view rest = request.rows; !rest.empty(); rest.remove_prefix(std::min(kInsertPieceBytes, rest.size()))) {
      SLUICE_CHECK(stream.append(rest.substr(0, kInsertPieceBytes)));
    }
    return stream.finish();
  }();
  guard->reply_begins();
  if (!done) return refused(done.error());
  if (done->rows_written() != *request.rows_announced) {
    return refused(exception(
        kRowsMismatch,
        fmt::format("The engine stored {} rows of {} that were announced; ask what is stored before anything is sent again",
                    done->rows_written(), *request.rows_announced)));
  }
  net::Response response = success_head(identity_, request.query_id, format);
  Summary summary;
  summary.add(*done);
  add_summary(response, summary);
  job.responder.send(std::move(response));
}

void Child::write(Job& job, const Statement& statement) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  const auto guard = running_.enter(request.query_id, request.query_id, job.responder);
  Result<Connection> connection = open_writer(request);
  if (!connection) return refused(connection.error());
  const Analysis analysis = connection->classify(statement.text);
  if (analysis.statement_count > 1)
    return refused(exception(kSyntaxError, "Multi-statements are not allowed: send one statement per request"));
  // The engine cuts rows inside the text at the first blank line and runs the rest as SQL (facts/store.md 1).
  const bool selects = has_word(statement.tokens, "SELECT") || has_word(statement.tokens, "WITH");
  if (is_word(statement.tokens.front(), "INSERT") && !selects) {
    return refused(exception(kBadArguments,
                             "Rows inside the statement are not taken: put the INSERT into ?query= and its rows into the body"));
  }
  const bool is_select = analysis.statement_class == StatementClass::read_only && begins_a_select(statement.tokens.front());
  reply(job, *connection,
        {std::string(statement.text), first_named(statement.format, request.default_format, "TabSeparated"), is_select},
        request.query_id, *guard);
}

void Child::read(Job& job, const Statement& statement) {
  StoreRequest& request = job.request;
  const auto refused = [&](const Error& error) { refuse(job.responder, request.query_id, error); };
  const KnownQuestion question = request.parameters.empty() ? KnownAnswers::match(statement.tokens) : KnownQuestion::none;
  const std::string format = first_named(statement.format, request.default_format, "TabSeparated");
  if (!is_allowed_format(format))
    return refused(exception(kUnknownFormat, fmt::format("Format {} is not open to readers of this interface", format)));
  const auto answer = [&](std::string body) {
    net::Response response = success_head(identity_, request.query_id, format);
    response.body = std::move(body);
    job.responder.send(std::move(response));
  };
  if (question == KnownQuestion::hello && request.protocol_version > 0 && format == "Native") {
    return answer(hello_block(identity_.display_name, identity_.version, identity_.timezone));
  }
  const bool keeps =
      question == KnownQuestion::settings || question == KnownQuestion::version || question == KnownQuestion::check;
  if (keeps) {
    if (std::optional<std::string> kept = known_.find(question, format)) return answer(std::move(*kept));
  }
  // The client's query id may be anything, also one of the pipeline's own: the mark in the engine is ours.
  const std::string mark = "reader-" + fresh_id();
  const auto guard = running_.enter(mark, request.query_id, job.responder);
  Result<Connection> connection =
      open_reader(request, mark, question != KnownQuestion::settings, format_kind(format) == FormatKind::document);
  if (!connection) return refused(connection.error());
  Result<Admitted> admitted = Gate(names_, reader_database(request)).check(*connection, request.sql, request.parameters);
  if (!admitted) return refused(admitted.error());
  if (keeps) {
    const Result<Reply> reply = connection->query(admitted->sql, format);
    guard->reply_begins();
    if (!reply) return refused(reply.error());
    if (request.settings.empty()) known_.keep(question, format, reply->bytes());
    return answer(std::string(reply->bytes()));
  }
  admitted->format = format;
  reply(job, *connection, *admitted, mark, *guard);
}

Result<std::vector<Column>> Child::describe(const StoreRequest& request, const std::string& sql, const std::string& mark) const {
  // On a connection of its own: the statement's may still be streaming.
  Connection connection =
      SLUICE_TRY(request.role == Role::reader ? open_reader(request, mark, true, false) : open_writer(request));
  const Reply description = SLUICE_TRY(connection.query("DESCRIBE (" + sql + ")", "RowBinary", request.parameters));
  return read_description(description.bytes());
}

void Child::reply(Job& job, Connection& connection, const Admitted& statement, const std::string& mark, Running::Guard& guard) {
  ResultWriter writer(identity_, job.responder, job.request.query_id, statement.format, ports_.entropy.hex(8));
  writer.on_start([&] { guard.reply_begins(); });
  Summary summary;
  if (statement.is_select && format_kind(statement.format) != FormatKind::document) {
    const Result<bool> whole = stream(job, connection, statement, mark, guard, writer, summary);
    if (!whole) return writer.fail(whole.error());
    if (*whole) writer.finish(summary);
    return;
  }
  const Result<Reply> done = connection.query(statement.sql, statement.format, job.request.parameters);
  if (!done) return writer.fail(done.error());
  summary.add(*done);
  if (writer.write(done->bytes())) writer.finish(summary);
}

Result<bool> Child::stream(Job& job, Connection& connection, const Admitted& statement, const std::string& mark,
                           Running::Guard& guard, ResultWriter& writer, Summary& summary) {
  {
    RowStream rows = SLUICE_TRY(connection.stream(statement.sql, statement.format, job.request.parameters));
    std::optional<std::string> head;  // of a headed format, known from the second chunk on
    for (bool first = true;; first = false) {
      const Reply chunk = SLUICE_TRY(rows.next());
      summary.add(chunk);
      std::string_view bytes = chunk.bytes();
      if (bytes.empty()) break;
      if (!first && format_kind(statement.format) == FormatKind::headed) {
        if (!head) head = format_head(statement.format, SLUICE_TRY(describe(job.request, statement.sql, mark)));
        if (!bytes.starts_with(*head))
          return fail(Code::corrupt, "the engine's chunks have another head than its description says");
        bytes.remove_prefix(head->size());
      }
      const bool streamed = writer.stream() != nullptr;
      if (!writer.write(bytes)) return false;  // the stream's end cancels the statement
      if (!streamed && writer.stream()) guard.streams(writer.stream());
    }
  }
  // Of a result without rows the engine streams nothing, not even the columns.
  const bool headed = format_kind(statement.format) == FormatKind::headed;
  if (writer.bytes() == 0 && (headed || statement.format == "Native")) {
    const std::vector<Column> columns = SLUICE_TRY(describe(job.request, statement.sql, mark));
    writer.write(headed ? format_head(statement.format, columns) : header_block(columns));
  }
  return true;
}

}  // namespace sluice::store

#include "store/secret_tables.h"

#include "base/bytes.h"
#include "base/clock.h"

namespace sekisho::store {

using soci::into;
using soci::use;

std::vector<model::TargetSecret> read_secrets(soci::session& sql, const std::string& target) {
    model::TargetSecret row;
    std::string kind;
    std::string wrapped;
    long long set_ms = 0;
    soci::statement select(sql);
    if (!target.empty()) select.exchange(use(target));
    for (std::string* text : {&row.target, &row.login, &kind, &wrapped, &row.public_key, &row.set_by})
        select.exchange(into(*text));
    select.exchange(into(set_ms));
    select.alloc();
    select.prepare(std::string("SELECT target, login, kind, wrapped, public_key, set_by, set_ms FROM target_secrets") +
                   (target.empty() ? "" : " WHERE target = :target") + " ORDER BY target, login, kind");
    select.define_and_bind();
    select.execute();
    std::vector<model::TargetSecret> found;
    while (select.fetch()) {
        const auto auth = model::parse_target_auth(kind);
        auto bytes = base::from_base64(wrapped);
        if (!auth || !bytes) throw soci::soci_error("a stored credential of " + row.target + " is not understood");
        row.kind = *auth;
        row.wrapped = std::move(*bytes);
        row.set_at = base::from_unix_milliseconds(set_ms);
        found.push_back(row);
    }
    return found;
}

void write_secret(soci::session& sql, const model::TargetSecret& secret) {
    delete_secret(sql, secret.target, secret.login, secret.kind);
    const std::string kind(model::name(secret.kind));
    const std::string wrapped = base::base64(secret.wrapped);
    const long long set_ms = base::unix_milliseconds(secret.set_at);
    sql << "INSERT INTO target_secrets (target, login, kind, wrapped, public_key, set_by, set_ms) "
           "VALUES (:t, :l, :k, :w, :p, :b, :m)",
        use(secret.target), use(secret.login), use(kind), use(wrapped), use(secret.public_key), use(secret.set_by),
        use(set_ms);
}

bool delete_secret(soci::session& sql, const std::string& target, const std::string& login, model::TargetAuth kind) {
    const std::string name(model::name(kind));
    soci::statement statement = (sql.prepare << "DELETE FROM target_secrets WHERE target = :t AND login = :l AND kind = :k",
        use(target), use(login), use(name));
    statement.execute(true);
    return statement.get_affected_rows() > 0;
}

void delete_secrets(soci::session& sql, const std::string& target) {
    sql << "DELETE FROM target_secrets WHERE target = :t", use(target);
}

bool has_target(soci::session& sql, const std::string& target) {
    int found = 0;
    sql << "SELECT COUNT(*) FROM targets WHERE name = :t", use(target), into(found);
    return found > 0;
}

}  // namespace sekisho::store

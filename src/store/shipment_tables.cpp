#include "store/shipment_tables.h"

#include "base/clock.h"
#include "store/query.h"

namespace sekisho::store {

using soci::use;

namespace {

long long milliseconds(const std::optional<WallTime>& time) { return time ? base::unix_milliseconds(*time) : 0; }

std::optional<WallTime> moment(long long milliseconds) {
    if (milliseconds == 0) return std::nullopt;
    return base::from_unix_milliseconds(milliseconds);
}

}  // namespace

std::vector<model::Shipment> read_shipments(soci::session& sql, const ShipmentFilter& filter, const std::string& gateway) {
    model::Shipment row;
    std::string state;
    long long size = 0, verified = 0, removed = 0;
    Query query(sql, "SELECT audit_key, session, object, size, sha256, state, verified_ms, removed_ms FROM shipments");
    if (filter.here) query.where("gateway = ?", gateway);
    if (!filter.audit_key.empty()) query.where("audit_key = ?", filter.audit_key);
    if (!filter.from.empty()) query.where("audit_key >= ?", filter.from);
    if (!filter.to.empty()) query.where("audit_key <= ?", filter.to);
    if (filter.verified_before) query.where("verified_ms > 0 AND verified_ms < ?", milliseconds(filter.verified_before));
    std::string states;
    for (const model::ShipmentState one : filter.states) states += std::string(states.empty() ? "'" : ", '") + std::string(name(one)) + "'";
    if (!states.empty()) query.where("state IN (" + states + ")");
    query.append(" ORDER BY audit_key, object LIMIT ?", static_cast<long long>(filter.most));
    for (std::string* text : {&row.audit_key, &row.session, &row.object}) query.into(*text);
    query.into(size);
    query.into(row.sha256);
    query.into(state);
    query.into(verified);
    query.into(removed);
    query.run();
    std::vector<model::Shipment> found;
    while (query.statement().fetch()) {
        bool known = false;
        for (const auto& [text, one] : model::kShipmentStates) {
            if (text == state) {
                row.state = one;
                known = true;
            }
        }
        if (!known) throw soci::soci_error("the state of a shipment is not understood: " + state);
        row.size = static_cast<std::uint64_t>(size);
        row.verified = moment(verified);
        row.removed = moment(removed);
        found.push_back(row);
    }
    return found;
}

void write_shipment(soci::session& sql, const model::Shipment& shipment, const std::string& gateway) {
    sql << "DELETE FROM shipments WHERE object = :object", use(shipment.object);
    const std::string state(name(shipment.state));
    const auto size = static_cast<long long>(shipment.size);
    const long long verified = milliseconds(shipment.verified), removed = milliseconds(shipment.removed);
    sql << "INSERT INTO shipments (object, audit_key, session, gateway, size, sha256, state, verified_ms, removed_ms) VALUES "
           "(:object, :audit_key, :session, :gateway, :size, :sha256, :state, :verified, :removed)",
        use(shipment.object), use(shipment.audit_key), use(shipment.session), use(gateway), use(size), use(shipment.sha256),
        use(state), use(verified), use(removed);
}

}  // namespace sekisho::store

#include "gateway/front_auth.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/network.h"
#include "gateway/text.h"
#include "keys/certificate.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostFingerprints = 16;

std::string fingerprint(BytesView blob) {
    if (auto certificate = keys::Certificate::from_blob(blob)) return certificate->key().fingerprint() + " (certificate)";
    if (auto key = keys::PublicKey::from_blob(blob)) return key->fingerprint();
    return "a key of an unknown kind";
}

/// Nothing here is trusted to sign user certificates yet; the text says what is wrong with this one first.
std::string why_not(const keys::Certificate& certificate, WallTime now) {
    const auto seconds = static_cast<std::uint64_t>(base::unix_seconds(now));
    const auto& fields = certificate.fields();
    if (fields.use != keys::CertificateUse::User) return "the certificate is not a user certificate";
    if (seconds >= fields.valid_before) return "the certificate has expired";
    if (seconds < fields.valid_after) return "the certificate is not valid yet";
    return "the certificate is signed by " + certificate.authority().fingerprint() +
           ", an authority that this gateway does not know";
}

}  // namespace

FrontAuth::FrontAuth(Services& services, Hop& hop, net::Endpoint peer, std::uint64_t attempts, SignedIn signed_in)
    : m_services(services), m_hop(hop), m_peer(std::move(peer)), m_attempts_left(attempts),
      m_signed_in(std::move(signed_in)) {}

void FrontAuth::requested(const ssh::AuthRequested& request) {
    m_asked = true;
    m_user = shown(request.user, 64);
    // Before any work: no look-up, no policy.
    if (request.user == "root") return root_refused(request);
    switch (request.method) {
        case ssh::AuthRequested::Method::None: return reject(request.ticket);
        case ssh::AuthRequested::Method::PublicKeyQuery: return key_offered(request);
        case ssh::AuthRequested::Method::PublicKey: return key_signed(request);
        case ssh::AuthRequested::Method::BadSignature: return refuse(request, "a signature was wrong", true);
        case ssh::AuthRequested::Method::HostBased:
        case ssh::AuthRequested::Method::KeyboardInteractive:
        case ssh::AuthRequested::Method::Other: return refuse(request, "only keys open this gateway", true);
    }
}

void FrontAuth::root_refused(const ssh::AuthRequested& request) {
    constexpr const char* kText = "There is no user root at this gateway. Sign in under your own name, or as LOGIN@TARGET.";
    if (m_explained) return m_hop.disconnect(ssh::DisconnectReason::IllegalUserName, kText);
    m_explained = true;
    m_reason = "the user name root is never let in";
    m_hop.submit(ssh::SendBanner{std::string(kText) + "\r\n"});
    reject(request.ticket);
}

// --- keys ---

Result<std::vector<identity::KeyIndex::Entry>> FrontAuth::owners(
    const AccessSnapshot& snapshot, const ssh::AuthRequested& request) {
    if (auto certificate = keys::Certificate::from_blob(request.key_blob)) {
        return fail(why_not(*certificate, std::chrono::system_clock::now()));
    }
    const auto& found = snapshot.keys.owners(request.key_blob);
    if (found.empty()) return fail("the key is not registered");
    return found;
}

void FrontAuth::key_offered(const ssh::AuthRequested& request) {
    const auto snapshot = m_services.access.load();
    if (const auto found = owners(*snapshot, request); !found) return refuse(request, found.error().text, false);
    m_hop.submit(ssh::AcceptKeyQuery{request.ticket});
}

Result<FrontAuth::Known> FrontAuth::known(const AccessSnapshot& snapshot, const ssh::AuthRequested& request) {
    const auto found = owners(snapshot, request);
    if (!found) return std::unexpected(found.error());
    std::vector<std::string> names;
    for (const auto& entry : *found) names.push_back(entry.user);
    auto destination = policy::parse_destination(snapshot.access, request.user, names);
    if (!destination) return std::unexpected(destination.error());
    if (destination->user.empty() && found->size() > 1) {
        return fail("the key belongs to several users: say which one, as USER@LOGIN@TARGET");
    }
    const auto entry = std::ranges::find_if(
        *found, [&](const auto& one) { return destination->user.empty() || one.user == destination->user; });
    if (entry == found->end()) return fail("the key is not registered");
    return Known{*entry, std::move(*destination)};
}

void FrontAuth::key_signed(const ssh::AuthRequested& request) {
    const auto snapshot = m_services.access.load();
    auto found = known(*snapshot, request);
    if (!found) return refuse(request, found.error().text, true);
    const model::User* user = snapshot->access.user(found->entry.user);
    if (user == nullptr) return refuse(request, "the key is not registered", true);
    auto grant = identity::make_grant(
        *user, found->entry.key, base::Address::parse(m_peer.address), std::chrono::system_clock::now(), request.proof);
    if (!grant) return refuse(request, grant.error().text, true);
    m_done = true;
    m_signed_in(request.ticket, std::move(*grant), std::move(found->destination));
}

// --- refusals ---

void FrontAuth::refuse(const ssh::AuthRequested& request, const std::string& reason, bool counts) {
    m_reason = reason;
    if (!request.key_blob.empty() && m_tried.size() < kMostFingerprints) {
        std::string print = fingerprint(request.key_blob);
        if (std::ranges::find(m_tried, print) == m_tried.end()) m_tried.push_back(std::move(print));
    }
    explain(request, reason);
    if (counts && (m_attempts_left == 0 || --m_attempts_left == 0)) {
        return m_hop.disconnect(
            ssh::DisconnectReason::NoMoreAuthMethods, "Too many refused attempts to sign in. The last: " + reason + ".");
    }
    reject(request.ticket);
}

/// One banner on a connection: a client that has several keys to offer should not be told about each.
void FrontAuth::explain(const ssh::AuthRequested& request, const std::string& reason) {
    if (m_explained || request.key_blob.empty()) return;
    m_explained = true;
    m_hop.submit(ssh::SendBanner{
        fmt::format("This gateway did not accept {}: {}.\r\n"
                    "If no other key of yours is accepted, give your public key to the gateway's administrator.\r\n",
            fingerprint(request.key_blob), reason)});
}

void FrontAuth::reject(ssh::Ticket ticket) { m_hop.submit(ssh::RejectAuth{ticket, {"publickey"}, false}); }

void FrontAuth::closed() {
    if (m_done || !m_asked) return;
    std::string reason = m_reason.empty() ? "left without offering a key" : m_reason;
    for (const auto& print : m_tried) reason += (&print == &m_tried.front() ? "; tried " : ", ") + print;
    audit(reason);
}

void FrontAuth::audit(const std::string& reason) {
    if (!m_services.refusals.permit(std::chrono::steady_clock::now())) return;
    model::AuditRecord record;
    record.kind = "auth.refused";
    record.source = m_peer.address;
    record.subject = m_user;
    record.outcome = "refused";
    record.reason = reason + m_services.refusals.left_out();
    m_services.store.audit(std::move(record));
}

}  // namespace sekisho::gateway

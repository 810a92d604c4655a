#include "ssh/host_key_proof.h"

#include "keys/public_key.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Bytes encode_strings(const std::vector<Bytes>& strings) {
    wire::Writer out;
    for (const Bytes& one : strings) out.string(one);
    return out.take();
}

Result<std::vector<Bytes>> decode_strings(BytesView payload) {
    wire::Reader in(payload);
    std::vector<Bytes> out;
    while (in.ok() && !in.empty()) {
        if (out.size() == limits::kHostKeys) return fail("too many host keys at once");
        out.push_back(base::to_bytes(in.string(limits::kKeyBlob)));
    }
    return in.finish_with("host keys", std::move(out));
}

Bytes host_key_proof_data(BytesView session_id, BytesView blob) {
    return wire::Writer().string(kHostKeysProveRequest).string(session_id).string(blob).take();
}

std::optional<BytesView> session_id_of_host_key_proof(BytesView data) {
    wire::Reader in(data);
    if (in.text(limits::kMethodName) != kHostKeysProveRequest) return std::nullopt;
    const BytesView session_id = in.string(limits::kKeyBlob);
    (void)in.string();
    return in.finish("host key proof") ? std::optional(session_id) : std::nullopt;
}

Result<void> verify_host_key_proof(BytesView session_id, BytesView blob, BytesView signature) {
    const auto key = keys::PublicKey::from_blob(blob);
    if (!key) return std::unexpected(key.error());
    wire::Reader named(signature);
    const std::string algorithm(named.text(limits::kMethodName));
    const keys::SignatureNeeds nobody_there{.touch = false, .pin = false};
    return key->verify(algorithm, host_key_proof_data(session_id, blob), signature, nobody_there);
}

}  // namespace sekisho::ssh

#include "shipping/bucket.h"

#include "s3/objects.h"

namespace sekisho::shipping {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostListed = 10'000'000;

class S3Bucket final : public Bucket {
public:
    S3Bucket(std::unique_ptr<s3::Client> client, s3::Encryption encryption) : m_objects(std::move(client), std::move(encryption)) {}

    const std::string& prefix() const override { return m_objects.client().place().prefix; }

    Result<void> look(const std::vector<std::string>& keys, const Looked& take) override { return m_objects.sizes(keys, take); }
    Result<void> put(const std::vector<std::string>& keys, const std::vector<std::string>& bodies, const Done& done) override {
        return m_objects.put(keys, [&](std::size_t i) { return bodies[i]; }, done);
    }
    Result<void> get(const std::vector<std::string>& keys, std::size_t most, const Take& take) override {
        return m_objects.client().get(keys, most, take);
    }
    Result<std::string> read(const std::string& key, std::uint64_t offset, std::size_t most) override {
        return m_objects.read(key, offset, most);
    }
    Result<std::vector<Object>> list(const std::string& below) override {
        auto listed = m_objects.client().list_below(below, kMostListed);
        if (!listed) return std::unexpected(listed.error());
        std::vector<Object> objects;
        for (s3::Object& object : *listed) objects.push_back({std::move(object.key), object.size});
        return objects;
    }
    Result<void> remove(const std::string& key) override { return m_objects.remove(key); }

    Result<std::vector<Upload>> uploads(const std::string& key) override {
        auto listed = m_objects.uploads(key);
        if (!listed) return std::unexpected(listed.error());
        std::vector<Upload> uploads;
        for (s3::Upload& upload : *listed) {
            if (upload.key == key) uploads.push_back({std::move(upload.key), std::move(upload.id)});
        }
        return uploads;
    }
    Result<std::string> begin(const std::string& key) override { return m_objects.begin(key); }
    Result<std::vector<Part>> parts(const Upload& upload) override {
        auto listed = m_objects.parts({upload.key, upload.id});
        if (!listed) return std::unexpected(listed.error());
        std::vector<Part> parts;
        for (s3::Part& part : *listed) parts.push_back({part.number, part.size, std::move(part.etag)});
        return parts;
    }
    Result<std::string> put_part(const Upload& upload, unsigned number, std::string body) override {
        return m_objects.put_part(upload.key, upload.id, number, std::move(body));
    }
    Result<void> complete(const Upload& upload, const std::vector<Part>& parts) override {
        std::vector<s3::Part> all;
        for (const Part& part : parts) all.push_back({part.number, part.size, part.tag});
        return m_objects.complete({upload.key, upload.id}, all);
    }
    Result<void> abort(const Upload& upload) override { return m_objects.abort({upload.key, upload.id}); }

    void stop() override { m_objects.client().stop(); }

private:
    s3::Objects m_objects;
};

}  // namespace

Result<std::unique_ptr<Bucket>> open_bucket(const model::Config& config, s3::ReadFile read_file, bool patient) {
    const model::UploadConfig& upload = config.recording.upload;
    if (upload.url.empty()) return nullptr;
    const auto absolute = [&](const std::string& name) { return name.empty() ? name : config.path(name); };
    s3::TransferSettings transfers;
    transfers.parallel = 8;
    transfers.total_timeout = 300s;  // a part, over a slow line
    if (!patient) {
        transfers.attempts = 2;
        transfers.total_timeout = 60s;
    }
    std::string url = upload.url;
    if (url.find('/', std::string_view("s3://").size()) != std::string::npos && !url.ends_with('/')) url += '/';
    auto client = s3::open_client(
        {url, upload.region, upload.endpoint, absolute(upload.access_key_file), absolute(upload.ca_file)},
        std::move(read_file), std::move(transfers));
    if (!client) return std::unexpected(client.error());
    const auto kind = s3::parse_encryption(upload.encryption);
    if (!kind) return fail("recording.upload.encryption: AES256, aws:kms or none is wanted");
    return std::make_unique<S3Bucket>(std::move(*client), s3::Encryption{*kind, upload.kms_key});
}

}  // namespace sekisho::shipping

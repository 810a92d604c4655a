// Where the access key comes from, asked each time one is needed: the file that the configuration names, else the environment
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else the role of the EC2 instance (IMDSv2). What was read of a role is
// kept until five minutes before it expires. Errors name what is missing and never repeat what is there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "s3/sign.h"
#include "s3/transfers.h"

namespace sekisho::s3 {

/// An AWS credentials file: `aws_access_key_id = …`, `aws_secret_access_key = …` and perhaps `aws_session_token = …`, at the top or
/// below [default].
Result<Credentials> parse_credentials_file(std::string_view text);
/// What the metadata service answers for a role.
Result<Credentials> parse_role_credentials(std::string_view json);

class CredentialSource {
public:
    using Get = std::function<const char*(const char* name)>;  // getenv(3)
    using Read = std::function<Result<std::string>()>;

    /// `read_file` may be empty: no file is configured.
    CredentialSource(Read read_file, Get environment);

    /// Blocks.
    Result<std::shared_ptr<const Credentials>> current(WallTime now);
    /// The server refused them: ask again for what is kept.
    void forget() { m_role.reset(); }
    void stop() { m_metadata.stop(); }

private:
    Result<Credentials> of_role();

    Read m_read_file;
    Get m_environment;
    std::string m_metadata_url;
    Transfers m_metadata;
    std::shared_ptr<const Credentials> m_role;
};

}  // namespace sekisho::s3

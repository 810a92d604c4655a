// UsersSource: where the users are kept that `users_from` names: a folder, or a bucket. A listing is whole or an error. Blocks; called on
// the one thread of gateway/users_from, but stop().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "identity/revocation.h"
#include "identity/users_plan.h"
#include "model/config.h"
#include "s3/client.h"

namespace sekisho::identity {

class UsersSource {
public:
    using Take = std::function<void(std::size_t, Result<std::string>)>;

    virtual ~UsersSource() = default;
    virtual Result<std::vector<ListedObject>> list() = 0;
    /// `take(i, content)` once for each object that was asked; an Error for one that cannot be read. The Result is about the source: when
    /// it fails, some were left out.
    virtual Result<void> read(const std::vector<std::string>& objects, const Take& take) = 0;
    /// What stands before NAME.pub in the names of its objects.
    virtual const std::string& prefix() const = 0;
    /// Any thread: what runs ends soon, with an error.
    virtual void stop() = 0;
};

/// Objects are called FOLDER/NAME.pub, by the last part of its path. Names that begin with a dot are left alone (editors', and those that
/// volumes of Kubernetes turn with); links are followed, only files are read.
std::unique_ptr<UsersSource> make_folder_source(const std::string& path);
std::unique_ptr<UsersSource> make_bucket_source(std::unique_ptr<s3::Client> client);
/// The one that the configuration names; nothing where it names none. `read_file` is kept: the access key may be rotated.
Result<std::unique_ptr<UsersSource>> make_users_source(const model::Config& config, ReadFile read_file);

}  // namespace sekisho::identity

#include "model/draft_model.h"

#include <algorithm>
#include <list>

#include "model/backend/backend.h"
#include "model/cache/block_table.h"
#include "model/sampling/sampler.h"
#include "model/transformer/transformer.h"

namespace hearth::model {
namespace {

constexpr uint32_t kContexts = 4;  // of KV memory, taken as it is used
constexpr size_t kChunk = 256;     // tokens in a pass

class DraftModel final : public Drafter {
 public:
  DraftModel(std::unique_ptr<Model> model, std::unique_ptr<KvStorage> kv, uint32_t context_tokens)
      : model_(std::move(model)),
        kv_(std::move(kv)),
        allocator_(BlockTable::BlocksFor(context_tokens) * kContexts),
        context_tokens_(context_tokens) {}

  Status Draft(uint64_t id, std::span<const TokenId> tokens, const Sampler& sampler, uint32_t most,
               std::vector<TokenId>& out) override {
    if (tokens.size() + most > context_tokens_) return {};
    Text& text = Find(id);
    const auto same = std::ranges::mismatch(text.tokens, tokens);
    // The last token is computed again where nothing is new: its logits are wanted.
    const auto known =
        std::min<size_t>(static_cast<size_t>(same.in1 - text.tokens.begin()), tokens.size() - 1);
    text.tokens.resize(known);
    Sampler draws = sampler;
    HEARTH_CHECK_OK(Compute(text, tokens.subspan(known)));
    for (uint32_t i = 0; i < most; ++i) {
      if (i > 0) HEARTH_CHECK_OK(Compute(text, std::span(&out.back(), 1)));
      draws.Adjust(logits_);
      out.push_back(draws.Draw(logits_, nullptr));
      draws.Observe(out.back(), true);
    }
    return {};
  }

  void Forget(uint64_t id) override {
    std::erase_if(texts_, [&](const Text& text) { return text.id == id; });
  }

 private:
  struct Text {
    uint64_t id;
    std::vector<TokenId> tokens;  // those whose KV is in the table
    BlockTable table;
  };

  // The text of a request, which becomes the latest.
  Text& Find(uint64_t id) {
    const auto at = std::ranges::find(texts_, id, &Text::id);
    if (at == texts_.end()) {
      texts_.push_front({id, {}, BlockTable(allocator_)});
    } else {
      texts_.splice(texts_.begin(), texts_, at);
    }
    return texts_.front();
  }

  // Appends the tokens to the text; logits_ are those of the last.
  Status Compute(Text& text, std::span<const TokenId> tokens) {
    while (!tokens.empty()) {
      const auto now = tokens.first(std::min(tokens.size(), kChunk));
      tokens = tokens.subspan(now.size());
      const auto start = static_cast<uint32_t>(text.tokens.size());
      const auto count = static_cast<uint32_t>(now.size());
      while (!text.table.Reserve(start + count)) texts_.pop_back();  // there is room for a context
      const BatchSequence slice = {
          .first = 0, .count = count, .start = start, .blocks = text.table.blocks()};
      const uint32_t last = count - 1;
      const auto heads = tokens.empty() ? std::span(&last, 1) : std::span<const uint32_t>();
      logits_.resize(model_->config().vocab_size);
      const BatchView batch = {.tokens = now,
                               .sequences = std::span(&slice, 1),
                               .heads = heads,
                               .logits = logits_.data()};
      HEARTH_CHECK_OK(model_->transformer().Forward(*kv_, batch));
      text.tokens.insert(text.tokens.end(), now.begin(), now.end());
    }
    return {};
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<KvStorage> kv_;
  BlockAllocator allocator_;
  const uint32_t context_tokens_;
  std::list<Text> texts_;  // the latest first
  std::vector<float> logits_;
};

}  // namespace

Result<std::shared_ptr<Drafter>> CreateDraftModel(std::unique_ptr<Model> draft, const Model& target,
                                                  KvType kv_type, uint32_t context_tokens) {
  const Tokenizer& mine = draft->tokenizer();
  const Tokenizer& theirs = target.tokenizer();
  bool same =
      mine.size() == theirs.size() && draft->config().vocab_size == target.config().vocab_size;
  for (TokenId id = 0; same && static_cast<size_t>(id) < mine.size(); ++id) {
    same = mine.bytes(id) == theirs.bytes(id);
  }
  if (!same) {
    return MakeError(ErrorCode::kInvalidArgument, draft->path(), " cannot guess for ",
                     target.path(), ": their vocabularies differ");
  }
  context_tokens = std::min(context_tokens, draft->config().context_length);
  const uint32_t n_blocks = BlockTable::BlocksFor(context_tokens) * kContexts;
  HEARTH_TRY(auto kv, draft->transformer().backend().CreateKv(n_blocks, 0, kv_type));
  return std::shared_ptr<Drafter>(
      std::make_shared<DraftModel>(std::move(draft), std::move(kv), context_tokens));
}

}  // namespace hearth::model

#include "runtime/main/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "model/gguf.h"
#include "model/model.h"
#include "model/model_config.h"
#include "model/tokenizer.h"
#include "runtime/base/text.h"
#include "runtime/serving/chat_template.h"

namespace hearth::main {
namespace {

using model::GgufFile;
using model::TensorInfo;

Json ShowFile(const GgufFile& file) {
  return {{"path", file.path()},
          {"bytes", file.file_bytes()},
          {"gguf_version", file.version()},
          {"tensors", file.tensors().size()}};
}

void AddString(const GgufFile& file, const char* key, const char* name, Json& out) {
  if (const std::string* value = file.GetString(key)) out[name] = *value;
}

Json ShowModel(const GgufFile& file, const Result<model::ModelConfig>& config) {
  Json out = Json::object();
  AddString(file, "general.architecture", "architecture", out);
  AddString(file, "general.name", "name", out);
  AddString(file, "general.size_label", "size", out);
  AddString(file, "general.license", "license", out);
  AddString(file, "general.license.link", "license_link", out);
  uint64_t parameters = 0;
  for (const TensorInfo& tensor : file.tensors()) parameters += tensor.elements();
  out["parameters"] = parameters;
  if (!config.ok()) {
    out["error"] = config.error().message;
    return out;
  }
  out["layers"] = config->n_layers;
  out["embedding"] = config->d_model;
  out["feed_forward"] = config->d_ff;
  out["heads"] = config->n_heads;
  out["kv_heads"] = config->n_kv_heads;
  out["head_size"] = config->head_dim;
  out["vocabulary"] = config->vocab_size;
  out["context"] = config->context_length;
  out["tied_head"] = config->tied_head;
  if (config->experts.n_experts != 0) {
    out["experts"] = config->experts.n_experts;
    out["experts_used"] = config->experts.n_used;
  }
  uint32_t window = 0;
  uint32_t windows = 0;
  for (const model::LayerConfig& layer : config->layers) {
    window = std::max(window, layer.window);
    windows += layer.window != 0 ? 1 : 0;
  }
  if (window != 0) {
    out["window"] = window;
    out["window_layers"] = windows;
  }
  const std::string prefix = config->architecture + ".rope.scaling.";
  if (!config->ropes[0].frequency_factors.empty()) {
    const std::string* const type = file.GetString(prefix + "type");
    out["rope_scaling"] = file.FindTensor("rope_freqs.weight") != nullptr ? "llama3"
                          : type == nullptr                               ? "linear"
                                                                          : *type;
  }
  return out;
}

Json ShowWeights(const GgufFile& file) {
  std::map<model::TensorType, std::array<uint64_t, 3>> types;  // tensors, elements, bytes
  uint64_t elements = 0;
  uint64_t bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    auto& sum = types[tensor.type];
    sum[0] += 1;
    sum[1] += tensor.elements();
    sum[2] += tensor.data.size();
    elements += tensor.elements();
    bytes += tensor.data.size();
  }
  std::vector<std::pair<model::TensorType, std::array<uint64_t, 3>>> by_size(types.begin(),
                                                                             types.end());
  std::ranges::stable_sort(by_size, std::greater(), [](const auto& of) { return of.second[2]; });
  Json list = Json::array();
  for (const auto& [type, sum] : by_size) {
    list.push_back({{"type", std::string(model::GetTensorType(type).name)},
                    {"tensors", sum[0]},
                    {"weights", sum[1]},
                    {"bytes", sum[2]}});
  }
  return {{"bytes", bytes},
          {"bits_per_weight",
           elements == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(elements)},
          {"types", std::move(list)}};
}

Json ShowTokenizer(const GgufFile& file,
                   const Result<std::shared_ptr<const model::Tokenizer>>& got) {
  Json out = Json::object();
  AddString(file, "tokenizer.ggml.model", "model", out);
  AddString(file, "tokenizer.ggml.pre", "pre", out);
  if (!got.ok()) {
    out["error"] = got.error().message;
    return out;
  }
  const model::Tokenizer& tokenizer = **got;
  out["tokens"] = tokenizer.size();
  const auto text = [&](TokenId id) { return std::string(tokenizer.bytes(id)); };
  if (tokenizer.bos()) out["bos"] = text(*tokenizer.bos());
  if (tokenizer.eos()) out["eos"] = text(*tokenizer.eos());
  out["adds_bos"] = tokenizer.adds_bos();
  Json ends = Json::array();
  for (const TokenId id : tokenizer.end_of_turn()) ends.push_back(text(id));
  out["end_of_turn"] = std::move(ends);
  return out;
}

Json ShowTensors(const GgufFile& file) {
  Json list = Json::array();
  for (const TensorInfo& tensor : file.tensors()) {
    Json shape = Json::array();
    for (uint32_t i = 0; i < tensor.n_dims; ++i) shape.push_back(tensor.shape[i]);
    list.push_back({{"name", tensor.name},
                    {"type", std::string(model::GetTensorType(tensor.type).name)},
                    {"shape", std::move(shape)}});
  }
  return list;
}

// What a template does is found out by rendering it.
class TemplateProbe {
 public:
  TemplateProbe(const serving::ChatTemplate& chat_template, const Json& tokenizer)
      : template_(chat_template) {
    options_.bos_token = tokenizer.value("bos", "");
    options_.eos_token = tokenizer.value("eos", "");
  }

  bool Shows(const Json& messages, const Json& tools, const char* word) {
    const auto prompt = template_.Render(messages, tools, options_);
    return prompt.ok() && prompt->text().find(word) != std::string::npos;
  }

  // Whether a variable changes what is written.
  bool Listens(const char* variable) {
    const Json hello = Json::array({{{"role", "user"}, {"content", "hello"}}});
    std::string texts[2];
    for (int on = 0; on < 2; ++on) {
      options_.variables = {{variable, on == 1}};
      const auto prompt = template_.Render(hello, {}, options_);
      texts[on] = prompt.ok() ? prompt->text() : "";
    }
    options_.variables = Json::object();
    return texts[0] != texts[1];
  }

 private:
  const serving::ChatTemplate& template_;
  serving::RenderOptions options_;
};

Json ShowTemplate(const GgufFile& file, const Json& tokenizer) {
  const std::string* const source = file.GetString("tokenizer.chat_template");
  if (source == nullptr) return {{"present", false}};
  Json out = {{"present", true}, {"bytes", source->size()}};
  const auto parsed = serving::ChatTemplate::Parse(*source);
  if (!parsed.ok()) {
    out["error"] = parsed.error().message;
    return out;
  }
  TemplateProbe probe(**parsed, tokenizer);
  const Json user = {{"role", "user"}, {"content", "hello"}};
  const Json tools = Json::array(
      {{{"type", "function"},
        {"function",
         {{"name", "probe_of_hearth"},
          {"description", "probe"},
          {"parameters",
           {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}}}}}}});
  const Json call = {
      {"role", "assistant"},
      {"content", ""},
      {"tool_calls",
       Json::array({{{"type", "function"},
                     {"id", "abcdef123"},
                     {"function", {{"name", "call_of_hearth"}, {"arguments", Json::object()}}}}})}};
  const Json result = {{"role", "tool"},
                       {"tool_call_id", "abcdef123"},
                       {"name", "call_of_hearth"},
                       {"content", "result_of_hearth"}};
  const Json thought = {{"role", "assistant"},
                        {"content", ""},
                        {"reasoning_content", "thought_of_hearth"},
                        {"tool_calls", call["tool_calls"]}};
  out["system"] =
      probe.Shows(Json::array({{{"role", "system"}, {"content", "system_of_hearth"}}, user}), {},
                  "system_of_hearth");
  out["tools"] = probe.Shows(Json::array({user}), tools, "probe_of_hearth");
  out["tool_calls"] = probe.Shows(Json::array({user, call, result}), tools, "call_of_hearth");
  out["keeps_thinking"] =
      probe.Shows(Json::array({user, thought, result}), tools, "thought_of_hearth");
  out["thinking"] = out["keeps_thinking"].get<bool>() ||
                    source->find("<think>") != std::string::npos ||
                    probe.Listens("enable_thinking");
  out["thinking_switch"] = probe.Listens("enable_thinking");
  return out;
}

Json ShowMemory(const GgufFile& file, const model::ModelConfig& config) {
  const uint64_t weights = model::WeightBytes(file);
  // Keys and values of every layer, two bytes each.
  const uint64_t per_token = uint64_t{2} * 2 * config.n_layers * config.kv_size();
  Json contexts = Json::array();
  for (uint64_t tokens = 4096; tokens < config.context_length; tokens *= 4) {
    contexts.push_back({{"tokens", tokens}, {"bytes", weights + tokens * per_token}});
  }
  contexts.push_back(
      {{"tokens", config.context_length}, {"bytes", weights + config.context_length * per_token}});
  return {{"weights_bytes", weights},
          {"kv_bytes_per_token", per_token},
          {"contexts", std::move(contexts)}};
}

std::string Bytes(const Json& bytes) {
  const double mib = bytes.get<double>() / (1 << 20);
  return mib < 1       ? fmt::format("{:.1f} KiB", mib * 1024)
         : mib < 10240 ? fmt::format("{:.1f} MiB", mib)
                       : fmt::format("{:.1f} GiB", mib / 1024);
}

std::string Count(const Json& count) {
  const double n = count.get<double>();
  return n < 1e6   ? fmt::format("{:.0f}", n)
         : n < 1e9 ? fmt::format("{:.1f} million", n / 1e6)
                   : fmt::format("{:.2f} billion", n / 1e9);
}

// The lines of a table: a label, then what it says. File texts are hostile to terminals: one line,
// printable, of bounded length.
class Table {
 public:
  void Add(std::string_view label, std::string_view text) {
    text_ += fmt::format("{:<14} {}\n", label, Clip(OneLine(std::string(text)), 200));
  }
  void AddFrom(const Json& object, const char* key, std::string_view label) {
    if (const auto found = object.find(key); found != object.end()) {
      Add(label, found->is_string() ? found->get<std::string>() : found->dump());
    }
  }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

std::string YesNo(const Json& object, const char* key) {
  return object.value(key, false) ? "yes" : "no";
}

}  // namespace

Result<Json> DescribeModel(const std::string& path, bool with_tensors) {
  HEARTH_TRY(const auto file, GgufFile::Open(path));
  const Result<model::ModelConfig> config = model::ReadModelConfig(*file);
  Json out = {{"file", ShowFile(*file)}, {"model", ShowModel(*file, config)}};
  out["weights"] = ShowWeights(*file);
  out["tokenizer"] = ShowTokenizer(*file, model::Tokenizer::Create(*file));
  out["template"] = ShowTemplate(*file, out["tokenizer"]);
  if (config.ok()) out["memory"] = ShowMemory(*file, *config);
  if (with_tensors) out["tensors"] = ShowTensors(*file);
  return out;
}

std::string FormatDescription(const Json& d) {
  Table table;
  const Json& m = d["model"];
  table.Add("file",
            fmt::format("{}, {}", d["file"]["path"].get<std::string>(), Bytes(d["file"]["bytes"])));
  table.AddFrom(m, "name", "name");
  table.AddFrom(m, "architecture", "architecture");
  table.AddFrom(m, "license", "license");
  table.AddFrom(m, "license_link", "");
  table.Add("parameters", Count(m["parameters"]));
  if (m.contains("error")) table.Add("does not run", m["error"].get<std::string>());
  if (m.contains("layers")) {
    std::string shape =
        fmt::format("{} layers of {}, {} heads of {} ({} for keys), feed-forward {}",
                    m["layers"].dump(), m["embedding"].dump(), m["heads"].dump(),
                    m["head_size"].dump(), m["kv_heads"].dump(), m["feed_forward"].dump());
    if (m.contains("experts")) {
      shape += fmt::format(", {} of {} experts", m["experts_used"].dump(), m["experts"].dump());
    }
    table.Add("shape", shape);
    std::string context = m["context"].dump() + " tokens";
    if (m.contains("rope_scaling"))
      context += ", stretched (" + m["rope_scaling"].get<std::string>() + ")";
    if (m.contains("window")) {
      context +=
          fmt::format(", {} layers see the last {}", m["window_layers"].dump(), m["window"].dump());
    }
    table.Add("context", context);
  }
  const Json& w = d["weights"];
  table.Add("weights", fmt::format("{}, {:.2f} bits each", Bytes(w["bytes"]),
                                   w["bits_per_weight"].get<double>()));
  for (const Json& type : w["types"]) {
    table.Add("", fmt::format("{:<8} {:>4} tensors, {}", type["type"].get<std::string>(),
                              type["tensors"].dump(), Bytes(type["bytes"])));
  }
  const Json& t = d["tokenizer"];
  std::string tokenizer = t.value("model", "none");
  if (t.contains("pre")) tokenizer += " (" + t["pre"].get<std::string>() + ")";
  if (t.contains("tokens")) tokenizer += ", " + t["tokens"].dump() + " tokens";
  table.Add("tokenizer", tokenizer);
  if (t.contains("error")) table.Add("", t["error"].get<std::string>());
  const Json& c = d["template"];
  if (!c["present"].get<bool>()) {
    table.Add("template", "none: a base model, it cannot hold a conversation");
  } else if (c.contains("error")) {
    table.Add("template", c["error"].get<std::string>());
  } else {
    table.Add("template",
              fmt::format("system {}, tools {}, tool calls {}, thinking {}", YesNo(c, "system"),
                          YesNo(c, "tools"), YesNo(c, "tool_calls"), YesNo(c, "thinking")));
  }
  if (d.contains("memory")) {
    for (const Json& context : d["memory"]["contexts"]) {
      table.Add(
          &context == &d["memory"]["contexts"][0] ? "memory" : "",
          fmt::format("{} for a context of {}", Bytes(context["bytes"]), context["tokens"].dump()));
    }
  }
  if (d.contains("tensors")) {
    for (const Json& tensor : d["tensors"]) {
      table.Add(tensor["type"].get<std::string>(),
                tensor["name"].get<std::string>() + " " + tensor["shape"].dump());
    }
  }
  return table.text();
}

}  // namespace hearth::main

package dev.millrace.deploy;

import dev.millrace.deploy.Findings.UnreadableFile;
import dev.millrace.deploy.Kustomization.ConfigMapArgs;
import dev.millrace.deploy.Kustomization.Image;
import dev.millrace.deploy.Kustomization.Patch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A model of the part of kustomize that our files use, for machines without kubectl. Unknown
/// features are refused. Generated names have no hash. `OverlayTest` compares the model with
/// kubectl.
final class Overlay {

    private final Checkout checkout;
    private final String folder;
    private final Kustomization kustomization;
    private final List<Map<String, Object>> documents = new ArrayList<>();

    private Overlay(Checkout checkout, String folder) {
        this.checkout = checkout;
        this.folder = folder;
        this.kustomization = Kustomization.read(checkout, folder);
    }

    static List<Map<String, Object>> render(Checkout checkout, String folder) {
        return new Overlay(checkout, folder).render();
    }

    private List<Map<String, Object>> render() {
        kustomization.resources().forEach(this::resource);
        kustomization.generated().forEach(this::configMap);
        kustomization.patched().forEach(this::patch);
        documents.forEach(document -> images(document));
        if (kustomization.namespace() != null) {
            documents.forEach(
                    document ->
                            map(document, "metadata")
                                    .put(
                                            "Namespace".equals(document.get("kind"))
                                                    ? "name"
                                                    : "namespace",
                                            kustomization.namespace()));
        }
        return documents;
    }

    private void resource(String path) {
        String at = resolve(path);
        if (checkout.holds(at + "/" + Kustomization.FILE)) {
            documents.addAll(render(checkout, at));
            return;
        }
        for (Object document : StrictYaml.documents(at, checkout.text(at))) {
            documents.add(asMap(at, document));
        }
    }

    private void configMap(ConfigMapArgs args) {
        Map<String, Object> data = new LinkedHashMap<>(args.values());
        args.keys().forEach((key, file) -> data.put(key, checkout.text(resolve(file))));
        String behavior = args.behavior() == null ? "create" : args.behavior();
        switch (behavior) {
            case "create" -> documents.add(created(args, data));
            case "merge" -> map(existing("ConfigMap", args.name()), "data").putAll(data);
            case "replace" -> existing("ConfigMap", args.name()).put("data", data);
            default -> throw refused("behavior " + behavior);
        }
    }

    private static Map<String, Object> created(ConfigMapArgs args, Map<String, Object> data) {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("name", args.name());
        if (args.options() != null && args.options().labels() != null) {
            metadata.put("labels", new LinkedHashMap<>(args.options().labels()));
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("apiVersion", "v1");
        document.put("kind", "ConfigMap");
        document.put("metadata", metadata);
        document.put("data", data);
        return document;
    }

    private void patch(Patch patch) {
        String at = resolve(patch.path());
        for (Object document : StrictYaml.documents(at, checkout.text(at))) {
            Map<String, Object> change = asMap(at, document);
            Map<String, Object> patched =
                    existing(
                            String.valueOf(change.get("kind")),
                            String.valueOf(map(change, "metadata").get("name")));
            if (!Objects.equals(patched.get("apiVersion"), change.get("apiVersion"))) {
                throw refused(at + " has another apiVersion than the object it patches");
            }
            merge(patched, change);
        }
    }

    private void merge(Map<String, Object> into, Map<String, Object> change) {
        change.forEach(
                (key, value) -> {
                    Object present = into.get(key);
                    if (value instanceof Map<?, ?> && present instanceof Map<?, ?>) {
                        merge(asMap(key, present), asMap(key, value));
                    } else if (value instanceof List<?> list && present instanceof List<?> old) {
                        into.put(key, mergedList(key, old, list));
                    } else {
                        into.put(key, value);
                    }
                });
    }

    /// Merges containers by name and replaces rules of a NetworkPolicy, as the API's schema
    /// specifies. Patches of other lists are refused.
    private Object mergedList(String key, List<?> old, List<?> changes) {
        switch (key) {
            case "containers" -> {
                for (Object change : changes) {
                    Map<String, Object> container = asMap(key, change);
                    merge(
                            old.stream()
                                    .map(one -> asMap(key, one))
                                    .filter(
                                            one ->
                                                    Objects.equals(
                                                            one.get("name"), container.get("name")))
                                    .findFirst()
                                    .orElseThrow(
                                            () -> refused("there is no " + container.get("name"))),
                            container);
                }
                return old;
            }
            case "egress", "ingress" -> {
                return changes;
            }
            default -> throw refused("unsupported patch of the list " + key);
        }
    }

    private void images(@Nullable Object tree) {
        switch (tree) {
            case Map<?, ?> untyped -> {
                Map<String, Object> map = asMap("", untyped);
                if (map.get("image") instanceof String image) {
                    map.put("image", renamed(image));
                }
                map.values().forEach(this::images);
            }
            case List<?> list -> list.forEach(this::images);
            case null, default -> {}
        }
    }

    private String renamed(String image) {
        String name = image.replaceFirst(":.*", "");
        for (Image rule : kustomization.renamed()) {
            if (rule.name().equals(name)) {
                String tag = rule.newTag() == null ? "" : ":" + rule.newTag();
                return (rule.newName() == null ? name : rule.newName()) + tag;
            }
        }
        return image;
    }

    private Map<String, Object> existing(String kind, String name) {
        return documents.stream()
                .filter(
                        document ->
                                kind.equals(document.get("kind"))
                                        && name.equals(map(document, "metadata").get("name")))
                .findFirst()
                .orElseThrow(() -> refused("there is no " + kind + " " + name + " to change"));
    }

    private String resolve(String path) {
        String at =
                checkout.root()
                        .relativize(checkout.root().resolve(folder).resolve(path).normalize())
                        .toString();
        if (!checkout.holds(at)) {
            throw refused("there is no " + path);
        }
        return at;
    }

    private UnreadableFile refused(String what) {
        return new UnreadableFile(folder + "/" + Kustomization.FILE, what);
    }

    static Map<String, Object> map(Map<String, Object> document, String key) {
        return asMap(key, document.get(key));
    }

    @SuppressWarnings(
            "unchecked") // Our YAML has only string keys; another key fails when it is read.
    static Map<String, Object> asMap(String where, @Nullable Object tree) {
        if (tree instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        throw new UnreadableFile(where, "is not a mapping");
    }
}

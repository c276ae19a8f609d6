package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The part of the kustomization format that our files use. Other keys are refused.
record Kustomization(
        String apiVersion,
        String kind,
        @Nullable String namespace,
        List<String> resources,
        @Nullable List<ConfigMapArgs> configMapGenerator,
        @Nullable List<Image> images,
        @Nullable List<Patch> patches) {

    static final String FILE = "kustomization.yaml";

    static Kustomization read(Checkout checkout, String folder) {
        return StrictYaml.camel(checkout, folder + "/" + FILE, Kustomization.class);
    }

    List<ConfigMapArgs> generated() {
        return configMapGenerator == null ? List.of() : configMapGenerator;
    }

    List<Image> renamed() {
        return images == null ? List.of() : images;
    }

    List<Patch> patched() {
        return patches == null ? List.of() : patches;
    }

    /// Files of its folder that the kustomization references.
    List<String> files() {
        List<String> files = new ArrayList<>();
        resources.stream().filter(resource -> !resource.contains("..")).forEach(files::add);
        patched().forEach(patch -> files.add(patch.path()));
        generated().stream()
                .filter(generator -> generator.files() != null)
                .flatMap(generator -> generator.keys().values().stream())
                .forEach(files::add);
        return files;
    }

    record ConfigMapArgs(
            String name,
            @Nullable String behavior,
            @Nullable List<String> files,
            @Nullable List<String> literals,
            @Nullable Options options) {

        /// File by key.
        Map<String, String> keys() {
            Map<String, String> keys = new LinkedHashMap<>();
            if (files != null) {
                files.forEach(file -> keys.put(file.replaceFirst("^.*/", ""), file));
            }
            return keys;
        }

        Map<String, String> values() {
            Map<String, String> values = new LinkedHashMap<>();
            if (literals != null) {
                for (String literal : literals) {
                    String[] parts = literal.split("=", 2);
                    values.put(parts[0], parts[1]);
                }
            }
            return values;
        }
    }

    record Options(boolean disableNameSuffixHash, @Nullable Map<String, String> labels) {}

    record Image(String name, @Nullable String newName, @Nullable String newTag) {}

    record Patch(String path) {}
}

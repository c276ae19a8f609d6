package dev.millrace.packaging;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The image's tar as `docker load` reads it, with all layers unpacked into one folder.
///
/// @param repository the first name of the loaded image
/// @param document the configuration document; its `config` is what a container starts with
/// @param layers in order, lowest first
record Image(String repository, JsonNode document, Path root, List<Archive> layers) {

    JsonNode config() {
        return document.path("config");
    }

    List<String> texts(String field) {
        return config().path(field).valueStream().map(JsonNode::asString).toList();
    }

    List<Archive.Entry> entries() {
        return layers.stream().flatMap(layer -> layer.entries().stream()).toList();
    }

    static Image image() {
        return Read.IMAGE;
    }

    private static Image read(Path tar, Path root) {
        Map<String, Archive> layers = new HashMap<>();
        Map<String, JsonNode> documents = new HashMap<>();
        try (InputStream raw = Files.newInputStream(tar);
                TarArchiveInputStream entries =
                        new TarArchiveInputStream(new BufferedInputStream(raw, 1 << 16))) {
            for (TarArchiveEntry entry = entries.getNextEntry();
                    entry != null;
                    entry = entries.getNextEntry()) {
                if (entry.getName().endsWith(".tar.gz")) {
                    layers.put(
                            entry.getName(),
                            Archive.unpack(new GZIPInputStream(entries, 1 << 16), root));
                } else {
                    documents.put(
                            entry.getName(), JsonMapper.shared().readTree(entries.readAllBytes()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        JsonNode manifest = present(documents, "manifest.json").path(0);
        return new Image(
                manifest.path("RepoTags").path(0).asString(),
                present(documents, manifest.path("Config").asString()),
                root,
                manifest.path("Layers")
                        .valueStream()
                        .map(name -> present(layers, name.asString()))
                        .toList());
    }

    private static <T> T present(Map<String, T> contents, String name) {
        T content = contents.get(name);
        if (content == null) {
            throw new IllegalStateException("The image's tar does not contain " + name);
        }
        return content;
    }

    private static final class Read {

        private static final Image IMAGE =
                read(
                        Path.of(Distribution.property("millrace.image")),
                        Distribution.freshFolder("image"));
    }
}

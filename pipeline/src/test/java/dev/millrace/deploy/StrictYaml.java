package dev.millrace.deploy;

import dev.millrace.deploy.Findings.UnreadableFile;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/// Reads YAML and JSON into records. Refuses unknown keys, duplicate keys and values of another
/// type.
final class StrictYaml {

    private static final JsonMapper CAMEL =
            JsonMapper.builder()
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                    .build();
    private static final JsonMapper SNAKE =
            CAMEL.rebuild().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

    private StrictYaml() {}

    /// For files with keys in snake_case.
    static <T> T snake(Checkout checkout, String file, Class<T> type) {
        return bind(SNAKE, file, only(checkout, file), type);
    }

    /// For files with keys in camelCase.
    static <T> T camel(Checkout checkout, String file, Class<T> type) {
        return bind(CAMEL, file, only(checkout, file), type);
    }

    static <T> T camel(String where, Object tree, Class<T> type) {
        return bind(CAMEL, where, tree, type);
    }

    static List<Object> documents(String where, String text) {
        try {
            List<Object> documents = new ArrayList<>();
            new Load(LoadSettings.builder().setLabel(where).build())
                    .loadAllFromString(text)
                    .forEach(documents::add);
            return documents;
        } catch (YamlEngineException e) {
            throw new UnreadableFile(where, "is not YAML: " + e.getMessage());
        }
    }

    private static Object only(Checkout checkout, String file) {
        List<Object> documents = documents(file, checkout.text(file));
        if (documents.size() != 1) {
            throw new UnreadableFile(
                    file, "contains " + documents.size() + " documents instead" + " of one");
        }
        return documents.getFirst();
    }

    private static <T> T bind(JsonMapper mapper, String where, Object tree, Class<T> type) {
        try {
            T bound = mapper.convertValue(tree, type);
            requireWhole(where, bound);
            return bound;
        } catch (JacksonException e) {
            throw new UnreadableFile(where, e.getOriginalMessage() + " at " + e.getPathReference());
        }
    }

    /// Components that are not `@Nullable` are required.
    private static void requireWhole(String where, @Nullable Object value) {
        switch (value) {
            case Record bound -> {
                for (RecordComponent component : bound.getClass().getRecordComponents()) {
                    Object part = part(bound, component);
                    if (part == null
                            && !component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                        throw new UnreadableFile(where, "there is no " + component.getName());
                    }
                    requireWhole(where + "." + component.getName(), part);
                }
            }
            case List<?> list -> list.forEach(one -> requireWhole(where, one));
            case Map<?, ?> map -> map.forEach((key, one) -> requireWhole(where + "." + key, one));
            case null, default -> {}
        }
    }

    private static @Nullable Object part(Record bound, RecordComponent component) {
        try {
            return component.getAccessor().invoke(bound);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}

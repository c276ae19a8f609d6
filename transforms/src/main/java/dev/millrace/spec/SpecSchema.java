package dev.millrace.spec;

import com.fasterxml.classmate.ResolvedType;
import com.github.victools.jsonschema.generator.CustomDefinition;
import com.github.victools.jsonschema.generator.CustomDefinitionProviderV2;
import com.github.victools.jsonschema.generator.CustomPropertyDefinition;
import com.github.victools.jsonschema.generator.FieldScope;
import com.github.victools.jsonschema.generator.Option;
import com.github.victools.jsonschema.generator.OptionPreset;
import com.github.victools.jsonschema.generator.SchemaGenerationContext;
import com.github.victools.jsonschema.generator.SchemaGenerator;
import com.github.victools.jsonschema.generator.SchemaGeneratorConfigBuilder;
import com.github.victools.jsonschema.generator.SchemaVersion;
import com.github.victools.jsonschema.generator.TypeScope;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import dev.millrace.spec.setting.Setting.ExactlyOne;
import dev.millrace.spec.setting.Setting.ShortForm;
import dev.millrace.spec.setting.SettingCollector;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Generates the JSON Schema (draft 2020-12) of `millrace.yaml` from the records that bind it.
/// Thread-safe.
public final class SpecSchema {

    /// A value from the environment matches every pattern.
    private static final String FROM_ENVIRONMENT = "\\$\\{";

    private static final ObjectMapper JSON = JsonMapper.builder().build();

    private SpecSchema() {}

    /// Indented, without a newline at its end.
    public static String json() {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(schema());
    }

    static ObjectNode schema() {
        SchemaGeneratorConfigBuilder config =
                new SchemaGeneratorConfigBuilder(
                                JSON, SchemaVersion.DRAFT_2020_12, OptionPreset.PLAIN_JSON)
                        .with(
                                Option.FORBIDDEN_ADDITIONAL_PROPERTIES_BY_DEFAULT,
                                Option.MAP_VALUES_AS_ADDITIONAL_PROPERTIES,
                                Option.INLINE_ALL_SCHEMAS);
        config.forFields()
                .withPropertyNameOverrideResolver(SpecSchema::key)
                .withRequiredCheck(SpecSchema::isRequired)
                .withCustomDefinitionProvider(SpecSchema::scalar)
                .withInstanceAttributeOverride(SpecSchema::describe);
        config.forTypesInGeneral()
                .withPropertySorter((_, _) -> 0)
                .withCustomDefinitionProvider(SpecSchema::anyScalar)
                .withCustomDefinitionProvider(new ShortFormDefinition())
                .withTypeAttributeOverride(SpecSchema::combine);
        ObjectNode schema = new SchemaGenerator(config.build()).generateSchema(SpecForm.class);
        schema.put("title", "millrace.yaml");
        schema.put("description", "A migration: each target table declared as a SELECT.");
        return schema;
    }

    private static @Nullable String key(FieldScope field) {
        Setting setting = setting(field);
        return setting == null ? null : SettingCollector.key(field.getDeclaredName(), setting);
    }

    private static boolean isRequired(FieldScope field) {
        Setting setting = setting(field);
        return setting != null && setting.required();
    }

    /// The values that the file accepts for a text: `12345` and `true` are read as they are
    /// written.
    private static @Nullable CustomDefinition anyScalar(
            ResolvedType type, SchemaGenerationContext context) {
        return type.getErasedType() == Scalar.class ? new CustomDefinition(anyText(), true) : null;
    }

    private static @Nullable CustomPropertyDefinition scalar(
            FieldScope field, SchemaGenerationContext context) {
        Setting setting = setting(field);
        if (setting == null
                || field.isFakeContainerItemScope()
                || field.getType().getErasedType() != Scalar.class) {
            return null;
        }
        ObjectNode node = JSON.createObjectNode();
        if (setting.range().length > 0) {
            node.putArray("type").add("integer").add("string");
            node.put("minimum", setting.range()[0])
                    .put("maximum", setting.range()[1])
                    .put("pattern", "^[0-9]+$|" + FROM_ENVIRONMENT);
        } else if (!setting.pattern().isEmpty()) {
            node.put("type", "string")
                    .put("pattern", "^" + setting.pattern() + "$|" + FROM_ENVIRONMENT);
        } else {
            node.setAll(anyText());
        }
        return new CustomPropertyDefinition(node);
    }

    private static void describe(
            ObjectNode node, FieldScope field, SchemaGenerationContext context) {
        Setting setting = setting(field);
        if (setting == null || field.isFakeContainerItemScope()) {
            return;
        }
        node.put("description", setting.value());
        if (!setting.standard().isEmpty()) {
            node.set("default", literal(setting, setting.standard()));
        }
        if (setting.required() && field.getType().isInstanceOf(List.class)) {
            node.put("minItems", 1);
        }
        if (!setting.pattern().isEmpty() && field.getType().isInstanceOf(Map.class)) {
            node.putObject("propertyNames").put("pattern", "^" + setting.pattern() + "$");
        }
        if (setting.examples().length > 0) {
            ArrayNode examples = node.putArray("examples");
            examples = field.isContainerType() ? examples.addArray() : examples;
            for (String example : setting.examples()) {
                examples.add(literal(setting, example));
            }
        }
    }

    private static JsonNode literal(Setting setting, String text) {
        if (setting.range().length > 0) {
            return JSON.getNodeFactory().numberNode(Integer.parseInt(text));
        }
        return JSON.getNodeFactory().stringNode(text);
    }

    private static void combine(ObjectNode node, TypeScope type, SchemaGenerationContext context) {
        AtMostOne atMostOne = type.getType().getErasedType().getAnnotation(AtMostOne.class);
        if (atMostOne != null) {
            List<String> keys = List.of(atMostOne.value());
            ArrayNode pairs = node.putObject("not").putArray("anyOf");
            for (int i = 1; i < keys.size(); i++) {
                String key = keys.get(i);
                keys.subList(0, i)
                        .forEach(
                                other ->
                                        pairs.addObject().putArray("required").add(other).add(key));
            }
        }
        if (type.getType().getErasedType().isAnnotationPresent(ExactlyOne.class)) {
            node.put("minProperties", 1).put("maxProperties", 1);
        }
    }

    private static @Nullable Setting setting(FieldScope field) {
        return field.getAnnotation(Setting.class);
    }

    private static ObjectNode anyText() {
        ObjectNode node = JSON.createObjectNode();
        node.putArray("type").add("string").add("number").add("boolean");
        return node;
    }

    /// A record that may be written as the value of one of its components.
    private static final class ShortFormDefinition implements CustomDefinitionProviderV2 {

        @Override
        public @Nullable CustomDefinition provideCustomSchemaDefinition(
                ResolvedType type, SchemaGenerationContext context) {
            if (!type.getErasedType().isAnnotationPresent(ShortForm.class)) {
                return null;
            }
            ObjectNode node = JSON.createObjectNode();
            ArrayNode either = node.putArray("anyOf");
            either.addObject().put("type", "string");
            either.add(context.createStandardDefinition(type, this));
            return new CustomDefinition(
                    node,
                    CustomDefinition.INLINE_DEFINITION,
                    CustomDefinition.EXCLUDING_ATTRIBUTES);
        }
    }
}

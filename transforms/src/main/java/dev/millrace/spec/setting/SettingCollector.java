package dev.millrace.spec.setting;

import dev.millrace.spec.setting.EffectiveSetting.Origin;
import dev.millrace.spec.setting.EffectiveSetting.Written;
import dev.millrace.spec.setting.Setting.ExactlyOne;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Lists the settings of a file from the records that bind it: those that it contains, and the
/// defaults of those that it leaves out. Not thread-safe; used for one file.
public final class SettingCollector {

    private final List<EffectiveSetting> found = new ArrayList<>();

    private SettingCollector() {}

    /// In the order of the descriptions.
    ///
    /// @param form a record whose components have a [Setting]
    public static List<EffectiveSetting> of(Record form) {
        SettingCollector collector = new SettingCollector();
        collector.addAll(form.getClass(), form, "");
        return List.copyOf(collector.found);
    }

    /// The key of a component: `bootstrapServers` is `bootstrap-servers`.
    public static String key(String component, Setting setting) {
        return setting.key().isEmpty()
                ? component.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT)
                : setting.key();
    }

    /// @param values `null` if the file does not have this section
    private void addAll(Class<?> form, @Nullable Record values, String path) {
        for (RecordComponent component : form.getRecordComponents()) {
            Setting setting = component.getAnnotation(Setting.class);
            if (setting == null) {
                throw new IllegalStateException(component + " has no description");
            }
            String key = (path.isEmpty() ? "" : path + ".") + key(component.getName(), setting);
            Object value = values == null ? null : value(component, values);
            if (value != null) {
                add(key, value, setting, isBounded(setting));
            } else if (!setting.standard().isEmpty()) {
                found.add(EffectiveSetting.standard(key, setting.standard()));
            } else if (isSection(component.getType())
                    && !form.isAnnotationPresent(ExactlyOne.class)) {
                addAll(component.getType(), null, key);
            }
        }
    }

    private static boolean isSection(Class<?> type) {
        return type.isRecord() && !Written.class.isAssignableFrom(type);
    }

    /// Whether only certain texts are valid, so that none of them is a secret by mistake.
    private static boolean isBounded(Setting setting) {
        return !setting.pattern().isEmpty() || setting.range().length > 0;
    }

    private void add(String key, Object value, Setting setting, boolean isBounded) {
        switch (value) {
            case Written one -> found.add(setting(key, List.of(one), setting, isBounded));
            case Record section -> addAll(section.getClass(), section, key);
            case List<?> list -> addList(key, list, setting);
            case Map<?, ?> entries ->
                    entries.forEach(
                            (name, each) ->
                                    add(
                                            key + "[\"" + ((Written) name).shown() + "\"]",
                                            each,
                                            setting,
                                            false));
            default -> throw new IllegalStateException("not a value of a file: " + key);
        }
    }

    private void addList(String key, List<?> list, Setting setting) {
        List<Written> texts = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) instanceof Written text) {
                texts.add(text);
            } else {
                add(key + "[" + i + "]", list.get(i), setting, false);
            }
        }
        if (!texts.isEmpty()) {
            found.add(setting(key, texts, setting, false));
        }
    }

    private static EffectiveSetting setting(
            String key, List<Written> texts, Setting setting, boolean isBounded) {
        List<String> variables =
                texts.stream().flatMap(text -> text.variables().stream()).distinct().toList();
        String value =
                texts.stream()
                        .map(
                                text ->
                                        isBounded || text.variables().isEmpty()
                                                ? text.text()
                                                : text.shown())
                        .collect(Collectors.joining(", "));
        Written first = texts.getFirst();
        return new EffectiveSetting(
                key,
                setting.secret() ? EffectiveSetting.MASKED : value,
                variables.isEmpty() ? Origin.FILE : Origin.ENVIRONMENT,
                variables.isEmpty()
                        ? first.at().file() + ":" + first.at().line()
                        : String.join(", ", variables));
    }

    private static @Nullable Object value(RecordComponent component, Record values) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }
}

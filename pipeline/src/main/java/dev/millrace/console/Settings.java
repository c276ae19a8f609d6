package dev.millrace.console;

import dev.millrace.spec.setting.EffectiveSetting;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The values of the page *Settings*, by the sections of the file.
///
/// @param more there are more settings than are shown
public record Settings(List<Section> sections, boolean more) {

    static final int SHOWN = 500;

    /// A SELECT can be long; the API has it whole.
    private static final int LONGEST = 600;

    private static final String WHOLE_FILE = "migration";

    public record Section(String name, List<Row> rows) {}

    /// @param masked the value is or may contain a secret
    /// @param origin where the value comes from
    public record Row(String key, String value, boolean masked, String origin) {

        private static Row of(EffectiveSetting setting) {
            String value = setting.value();
            return new Row(
                    setting.key(),
                    value.length() > LONGEST ? value.substring(0, LONGEST) + " …" : value,
                    value.equals(EffectiveSetting.MASKED),
                    setting.origin().id()
                            + (setting.place().isEmpty() ? "" : ": " + setting.place()));
        }
    }

    static Settings of(List<EffectiveSetting> settings) {
        Map<String, List<Row>> sections = new LinkedHashMap<>();
        settings.stream()
                .limit(SHOWN)
                .forEach(
                        setting ->
                                sections.computeIfAbsent(
                                                section(setting.key()), _ -> new ArrayList<>())
                                        .add(Row.of(setting)));
        return new Settings(
                sections.entrySet().stream()
                        .map(section -> new Section(section.getKey(), section.getValue()))
                        .toList(),
                settings.size() > SHOWN);
    }

    /// Options and variables of the process are no section of the file.
    private static String section(String key) {
        if (key.startsWith("--") || key.startsWith("MILLRACE_")) {
            return "service";
        }
        String first = key.split("[.\\[]", 2)[0];
        return first.equals(key) ? WHOLE_FILE : first;
    }
}

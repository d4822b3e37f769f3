//! The one table that comes out, as Markdown.

use std::fmt::Write;

/// What a figure counts, and so how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Kilobytes,
    Megabytes,
    Mebibytes,
    Microseconds,
    Milliseconds,
    Seconds,
    Writes,
}

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Only told.
    Reported,
    AtMost(f64),
    /// So many times the floor.
    TimesFloor(f64),
    /// The floor and so much more.
    OverFloor(f64),
}

/// One figure.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub unit: Unit,
    pub ours: f64,
    /// What the figure cannot fall below, or what the same thing costs without us.
    pub floor: Option<f64>,
    pub goal: Goal,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Kilobytes => format!("{value:.1} kB"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Microseconds => format!("{value:.1} µs"),
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Writes => format!("{value:.0}"),
        }
    }
}

impl Goal {
    /// The figure that may be reached at most, where there is a goal and the floor that it needs.
    fn limit(self, floor: Option<f64>) -> Option<f64> {
        match self {
            Self::Reported => None,
            Self::AtMost(limit) => Some(limit),
            Self::TimesFloor(times) => floor.map(|floor| floor * times),
            Self::OverFloor(more) => floor.map(|floor| floor + more),
        }
    }

    fn show(self, unit: Unit, floor: Option<f64>) -> String {
        let limit = self.limit(floor).map(|limit| unit.show(limit));
        let limit = limit.unwrap_or_else(|| "–".to_owned());
        match self {
            Self::Reported => "reported".to_owned(),
            Self::AtMost(_) => format!("≤ {limit}"),
            Self::TimesFloor(times) => format!("≤ {times} × floor = {limit}"),
            Self::OverFloor(more) => format!("≤ floor + {} = {limit}", unit.show(more)),
        }
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let none = || "–".to_owned();
        let floor = self.floor.map_or_else(none, |floor| self.unit.show(floor));
        let goal = self.goal.show(self.unit, self.floor);
        let ratio = self.floor.filter(|floor| *floor > 0.0);
        let met = self.goal.limit(self.floor).map(|limit| self.ours <= limit);
        [
            self.name.clone(),
            self.unit.show(self.ours),
            floor,
            ratio.map_or_else(none, |floor| format!("{:.2}", self.ours / floor)),
            goal,
            met.map_or_else(none, |met| if met { "yes" } else { "no" }.to_owned()),
        ]
    }
}

/// The table of these rows.
pub fn markdown(rows: &[Row]) -> String {
    let head = ["Row", "Ours", "Floor", "Ratio", "Goal", "Met"].map(ToOwned::to_owned);
    let body: Vec<_> = rows.iter().map(Row::cells).collect();
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = std::iter::once(&head).chain(&body);
        cells
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut table = line(&head, &widths);
    let rule = widths.map(|width| "-".repeat(width));
    table.push_str(&line(&rule, &widths));
    for cells in &body {
        table.push_str(&line(cells, &widths));
    }
    table
}

fn line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        // Writing to a string does not fail.
        let _ = write!(line, "| {cell:width$} ");
    }
    line + "|\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, floor: Option<f64>, goal: Goal) -> [String; 6] {
        let row = Row {
            name: "r".to_owned(),
            unit: Unit::Milliseconds,
            ours,
            floor,
            goal,
        };
        row.cells()
    }

    #[test]
    fn figures_and_goals() {
        for (cells, expected) in [
            (
                row(1.0, Some(2.0), Goal::TimesFloor(1.5)),
                [
                    "r",
                    "1.00 ms",
                    "2.00 ms",
                    "0.50",
                    "≤ 1.5 × floor = 3.00 ms",
                    "yes",
                ],
            ),
            (
                row(6.0, Some(2.0), Goal::OverFloor(3.0)),
                [
                    "r",
                    "6.00 ms",
                    "2.00 ms",
                    "3.00",
                    "≤ floor + 3.00 ms = 5.00 ms",
                    "no",
                ],
            ),
            (
                row(6.0, None, Goal::AtMost(6.0)),
                ["r", "6.00 ms", "–", "–", "≤ 6.00 ms", "yes"],
            ),
            (
                row(6.0, Some(0.0), Goal::Reported),
                ["r", "6.00 ms", "0.00 ms", "–", "reported", "–"],
            ),
            (
                row(6.0, None, Goal::TimesFloor(2.0)),
                ["r", "6.00 ms", "–", "–", "≤ 2 × floor = –", "–"],
            ),
        ] {
            assert_eq!(cells, expected);
        }
    }

    #[test]
    fn a_table_is_aligned() {
        let row = Row {
            name: "start".to_owned(),
            unit: Unit::Microseconds,
            ours: 7.25,
            floor: None,
            goal: Goal::AtMost(8.0),
        };
        let expected = "\
| Row   | Ours   | Floor | Ratio | Goal     | Met |
| ----- | ------ | ----- | ----- | -------- | --- |
| start | 7.2 µs | –     | –     | ≤ 8.0 µs | yes |
";
        assert_eq!(markdown(&[row]), expected);
    }
}

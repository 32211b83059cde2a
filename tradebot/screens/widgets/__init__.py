"""Small widgets that draw line by line: tables, charts, gauges. They know no engine and no message of it."""

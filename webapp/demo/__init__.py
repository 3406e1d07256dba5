"""Demo data 演示数据: 北辰社区 as files, loaded by the importers and services that an office uses."""

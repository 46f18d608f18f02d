package handlers_test

import "cookielab/handlers/course"

// HandoutForTest is what tests need to know of the sheets in one language.
type HandoutForTest struct {
	Shape   []string // of what must be the same in every language: parts, tables, fields
	Tasks   []string // the assignments' IDs
	Answers []string // all of them, as HTML
}

// HandoutsForTest are the sheets, by language.
func HandoutsForTest(lab *testLab) map[string]HandoutForTest {
	all := map[string]HandoutForTest{}
	for _, w := range lab.Site.Languages.All {
		text := lab.Course.Texts.Handout(w)
		var one HandoutForTest
		for _, table := range text.Tables() {
			for _, row := range table.Rows {
				one.Shape = append(one.Shape, table.ID)
				for _, cell := range row {
					if cell.Lane != "" {
						one.Shape, one.Answers = append(one.Shape, cell.Lane), append(one.Answers, string(cell.Text))
					}
				}
			}
		}
		for _, part := range text.Card.Parts {
			one.Shape = append(one.Shape, part.ID)
		}
		for _, task := range text.Assignments.Parts {
			one.Tasks = append(one.Tasks, task.ID)
			for _, field := range task.Fields {
				one.Shape, one.Answers = append(one.Shape, task.ID), append(one.Answers, string(field.Answer))
			}
		}
		all[w.Tag.String()] = one
	}
	return all
}

// ReadHandoutForTest reads a file of the sheets.
func ReadHandoutForTest(lab *testLab, raw string) error {
	return course.ReadHandoutForTest(lab.Site.Languages.All[0], raw)
}

// AskedForTest is a lesson's question as the sheets have it, in one language.
type AskedForTest struct {
	Question, Why string
	Choices       map[string]string // by their letters
}

// AskedForTest is the question of a lesson, as HTML.
func (lab *testLab) AskedForTest(language, slug string) AskedForTest {
	text := lab.Course.Texts.Lesson(lab.Site.Assets.Languages.Named(language), slug)
	asked := AskedForTest{string(text.Question), string(text.Because(lab.Course.Lesson(slug).Why)), map[string]string{}}
	for _, choice := range text.Choices {
		asked.Choices[choice.Letter] = string(choice.Text)
	}
	return asked
}

// MarkdownForTest is a line of HTML as the notes have it.
func MarkdownForTest(text string) string { return course.MarkdownForTest(text) }

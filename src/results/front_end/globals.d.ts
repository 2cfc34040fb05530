// What tsc is told of ECharts: as much of it as this folder uses.
interface Chart {
  setOption(option: object, options?: object): void;
  getOption(): any;
  resize(size?: object): void;
  dispose(): void;
  dispatchAction(action: object): void;
  on(event: string, listener: (event: any) => void): void;
  getDataURL(options: object): string;
  renderToSVGString(): string;
}
declare const echarts: {
  init(element: HTMLElement | null, theme: null, options: object): Chart;
};
